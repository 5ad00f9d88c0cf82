/**
 * Sums per hour for charts, changed only inside the transaction that changes the money. What counts in which hour:
 * realm-db/migrations/0050-rollups.ts.
 */
import type { Receipt } from '#contract/receipt.ts'
import { HOUR_MS } from '#contract/time.ts'
import type { WriteDb } from '#db/db-types.ts'

const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS

const row = (db: WriteDb, hour: number, instrument: string): void => {
  db.prepare('INSERT INTO rollup_hour (hour_ms, instrument) VALUES (?, ?) ON CONFLICT DO NOTHING').run(hour, instrument)
}

/** What a receipt, or a line of a statement, says of a settled job. */
export interface SettledFacts extends Pick<Receipt, 'settledAt' | 'billed' | 'grossNano' | 'feeNano' | 'sellerNano'> {
  claim: { instrument: string; timings: { durationMs: number } }
}

export function addSettled(db: WriteDb, receipt: SettledFacts): void {
  const { claim, billed } = receipt
  const hour = hourOf(receipt.settledAt)
  row(db, hour, claim.instrument)
  db.prepare(
    `UPDATE rollup_hour SET jobs = jobs + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, gross_nano = gross_nano + ?, fee_nano = fee_nano + ?, seller_nano = seller_nano + ?, served_ms = served_ms + ?
     WHERE hour_ms = ? AND instrument = ?`,
  ).run(
    billed.inputTokens,
    billed.outputTokens,
    receipt.grossNano,
    receipt.feeNano,
    receipt.sellerNano,
    claim.timings.durationMs,
    hour,
    claim.instrument,
  )
}

/** `settledAt` of the job's receipt decides the hour, so that held never turns negative in any hour. */
export function addReleased(db: WriteDb, settledAt: number, instrument: string, amountNano: number): void {
  db.prepare('UPDATE rollup_hour SET released_nano = released_nano + ? WHERE hour_ms = ? AND instrument = ?').run(
    amountNano,
    hourOf(settledAt),
    instrument,
  )
}

export function addFailed(db: WriteDb, at: number, instrument: string): void {
  row(db, hourOf(at), instrument)
  db.prepare('UPDATE rollup_hour SET failed = failed + 1 WHERE hour_ms = ? AND instrument = ?').run(
    hourOf(at),
    instrument,
  )
}
