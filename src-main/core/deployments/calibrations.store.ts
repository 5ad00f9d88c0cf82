/** Measurements of models on machines: one row a pair, the newest. */
import { z } from 'zod'

import { calibration, type CalibrationView } from '#contract/models.ts'
import type { ReadDb, WriteDb } from '#db/types.ts'

/** Of the first ones it is not known whether anything else ran; before GPUs were compared, only the processor was. */
const stored = calibration
  .omit({ sha256: true, machine: true, at: true })
  .extend({ quiet: calibration.shape.quiet.default(false), gpus: calibration.shape.gpus.default('together'), onGpu: calibration.shape.onGpu.default(false) })

export function findCalibration(db: ReadDb, sha256: string, machine: string): CalibrationView | null {
  const row = db.prepare<{ at: number; result: string }>('SELECT at, result FROM calibrations WHERE sha256 = ? AND machine = ?').get(sha256, machine)
  if (row === undefined) return null
  return calibration.parse({ ...stored.parse(JSON.parse(row.result)), sha256, machine, at: row.at }) satisfies z.output<typeof calibration>
}

export function saveCalibration(db: WriteDb, { sha256, machine, at, ...result }: CalibrationView): void {
  db.prepare(
    'INSERT INTO calibrations (sha256, machine, at, result) VALUES (?, ?, ?, ?) ON CONFLICT (sha256, machine) DO UPDATE SET at = excluded.at, result = excluded.result',
  ).run(sha256, machine, at, JSON.stringify(result))
}
