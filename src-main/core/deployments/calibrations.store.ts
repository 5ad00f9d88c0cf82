/** Measurements of models on machines: one row a pair, the newest. */
import { z } from 'zod'

import { calibration, type CalibrationView } from '#contract/models.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

/**
 * Of the first ones it is not known whether anything else ran, nor where they ran: without a GPU on the machine it was
 * the processor.
 */
const stored = calibration.omit({ sha256: true, machine: true, at: true }).extend({
  quiet: calibration.shape.quiet.default(false),
  gpus: calibration.shape.gpus.default('together'),
  onGpu: calibration.shape.onGpu.default(false),
})
const saysWhere = calibration.pick({ onGpu: true })

export interface Machine {
  name: string
  hasGpus: boolean
}

/**
 * Null also for one of before on a machine with GPUs: what was measured on a GPU must not set the processor's threads.
 */
export function findCalibration(db: ReadDb, sha256: string, machine: Machine): CalibrationView | null {
  const row = db
    .prepare<{ at: number; result: string }>('SELECT at, result FROM calibrations WHERE sha256 = ? AND machine = ?')
    .get(sha256, machine.name)
  if (row === undefined) return null
  const result: unknown = JSON.parse(row.result)
  if (machine.hasGpus && !saysWhere.safeParse(result).success) return null
  return calibration.parse({ ...stored.parse(result), sha256, machine: machine.name, at: row.at }) satisfies z.output<
    typeof calibration
  >
}

export function saveCalibration(db: WriteDb, { sha256, machine, at, ...result }: CalibrationView): void {
  db.prepare(
    'INSERT INTO calibrations (sha256, machine, at, result) VALUES (?, ?, ?, ?) ON CONFLICT (sha256, machine) DO UPDATE SET at = excluded.at, result = excluded.result',
  ).run(sha256, machine, at, JSON.stringify(result))
}
