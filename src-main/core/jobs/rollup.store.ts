/**
 * Sums per quarter hour for charts, changed only inside the transaction that changes the money. What counts in which
 * quarter: realm-db/migrations/0100-quarter-hours.ts.
 */
import type { Receipt } from '#contract/receipt.ts'
import { QUARTER_MS } from '#contract/time.ts'
import type { WriteDb } from '#db/db-types.ts'

import type { SellerJobRow } from './jobs.store.ts'

type RolledJob = Pick<SellerJobRow, 'instrument' | 'sha256' | 'deploymentId'>

const WHERE = 'WHERE quarter_ms = ? AND instrument = ? AND sha256 = ? AND deployment_id = ?'
const keyOf = (at: number, { instrument, sha256, deploymentId }: RolledJob): [number, string, string, string] => [
  Math.floor(at / QUARTER_MS) * QUARTER_MS,
  instrument,
  sha256,
  deploymentId,
]

function row(db: WriteDb, at: number, job: RolledJob): [number, string, string, string] {
  const key = keyOf(at, job)
  db.prepare(
    'INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(...key)
  return key
}

/** What a receipt, or a line of a statement, says of a settled job. */
export interface SettledFacts extends Pick<Receipt, 'settledAt' | 'billed' | 'grossNano' | 'feeNano' | 'sellerNano'> {
  claim: { timings: { durationMs: number } }
}

export function addSettled(db: WriteDb, receipt: SettledFacts, job: RolledJob): void {
  const { claim, billed } = receipt
  const key = row(db, receipt.settledAt, job)
  db.prepare(
    `UPDATE rollup_quarter SET jobs = jobs + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, gross_nano = gross_nano + ?, fee_nano = fee_nano + ?, seller_nano = seller_nano + ?, served_ms = served_ms + ? ${WHERE}`,
  ).run(
    billed.inputTokens,
    billed.outputTokens,
    receipt.grossNano,
    receipt.feeNano,
    receipt.sellerNano,
    claim.timings.durationMs,
    ...key,
  )
}

/** `settledAt` of the job's receipt decides the quarter, so that held never turns negative in any of them. */
export function addReleased(db: WriteDb, settledAt: number, job: RolledJob, amountNano: number): void {
  db.prepare(`UPDATE rollup_quarter SET released_nano = released_nano + ? ${WHERE}`).run(
    amountNano,
    ...keyOf(settledAt, job),
  )
}

/** Money given up, in the quarter in which it was settled; negative when it came after all. */
export function addWrittenOff(db: WriteDb, settledAt: number, job: RolledJob, amountNano: number): void {
  db.prepare(`UPDATE rollup_quarter SET written_off_nano = written_off_nano + ? ${WHERE}`).run(
    amountNano,
    ...keyOf(settledAt, job),
  )
}

export function addFailed(db: WriteDb, at: number, job: RolledJob): void {
  const key = row(db, at, job)
  db.prepare(`UPDATE rollup_quarter SET failed = failed + 1 ${WHERE}`).run(...key)
}
