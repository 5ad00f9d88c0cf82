/**
 * Answers that are paid for and not known to have been handed over, what was paid back for them, and calls by the key
 * their buyer gave. Ids, MACs and amounts: no text.
 */
import type { Nano } from '#contract/money.ts'
import { amount, int, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import type { SliceBounds } from '#db/row-slices.ts'
import { defineTable, type RowOf } from '#db/table.ts'

/** A row is a settled job without a delivered mark; the mark takes it away. */
export const undelivered = defineTable('undelivered', { jobId: text(), settledAt: int() })
export const refunds = defineTable('refunds', { jobId: text(), buyerId: text(), amountNano: amount(), at: int() })
export const keyedCalls = defineTable('keyed_calls', { keyMac: text(), bodyMac: text(), jobId: text(), at: int() })

export const insertUndelivered = (db: WriteDb, jobId: string, settledAt: number): number =>
  undelivered.insert(db, { jobId, settledAt })

export function deleteUndelivered(db: WriteDb, jobIds: readonly string[]): void {
  const statement = db.prepare('DELETE FROM undelivered WHERE job_id = ?')
  for (const jobId of jobIds) statement.run(jobId)
}

export interface UndeliveredJob {
  jobId: string
  buyerId: string
  grossNano: bigint
}

/** With what its buyer paid. */
export const undeliveredJobs = (db: ReadDb, limit: number): UndeliveredJob[] =>
  db
    .money<UndeliveredJob>(
      `SELECT u.job_id AS jobId, j.buyer_id AS buyerId, r.gross_nano AS grossNano
       FROM undelivered u JOIN jobs j ON j.job_id = u.job_id JOIN receipts r ON r.job_id = u.job_id
       ORDER BY u.job_id LIMIT ?`,
    )
    .all(limit)

export const insertRefund = (db: WriteDb, refund: RowOf<typeof refunds>): number => refunds.insert(db, refund)

const paidBack = refunds.pick('jobId', 'amountNano', 'at')
export type BuyerRefund = Pick<RowOf<typeof refunds>, 'jobId' | 'amountNano' | 'at'>

export const refundOf = (db: ReadDb, jobId: string): Nano | null =>
  paidBack.get(db, `SELECT ${paidBack.columns} FROM refunds WHERE job_id = ?`, jobId)?.amountNano ?? null

/** Newest first. */
export const refundsOf = (db: ReadDb, buyerId: string, limit: number): BuyerRefund[] =>
  paidBack.all(
    db,
    `SELECT ${paidBack.columns} FROM refunds WHERE buyer_id = ? ORDER BY at DESC LIMIT ?`,
    buyerId,
    limit,
  )

/** Of a slice of refunds: their sum, and the jobs whose refund is not what their own buyer had paid. */
export function refundsIn(db: ReadDb, bounds: SliceBounds<bigint>): { sum: bigint; wrong: string[] } {
  const { sum } = db
    .money<{ sum: bigint | null }>(
      'SELECT sum(amount_nano) AS sum FROM refunds WHERE rowid > @after AND rowid <= @upTo',
    )
    .get(bounds) ?? { sum: null }
  const wrong = db
    .prepare<{ jobId: string }>(
      `SELECT f.job_id AS jobId FROM refunds f
       LEFT JOIN receipts r ON r.job_id = f.job_id LEFT JOIN jobs j ON j.job_id = f.job_id
       WHERE f.rowid > @after AND f.rowid <= @upTo
         AND (r.gross_nano IS NOT f.amount_nano OR j.buyer_id IS NOT f.buyer_id)`,
    )
    .all(bounds)
    .map(({ jobId }) => jobId)
  return { sum: sum ?? 0n, wrong }
}

const upsertKeyed = keyedCalls.inserter({
  conflict:
    'ON CONFLICT (key_mac) DO UPDATE SET body_mac = excluded.body_mac, job_id = excluded.job_id, at = excluded.at',
})
/** The job that answers this call now: a rerouted or repeated call names its last one. */
export const saveKeyedCall = (db: WriteDb, call: RowOf<typeof keyedCalls>): number => upsertKeyed(db, call)

const keyed = keyedCalls.pick('bodyMac', 'jobId')
export const keyedCall = (db: ReadDb, keyMac: string): Pick<RowOf<typeof keyedCalls>, 'bodyMac' | 'jobId'> | null =>
  keyed.get(db, `SELECT ${keyed.columns} FROM keyed_calls WHERE key_mac = ?`, keyMac)

export const pruneKeyedCalls = (db: WriteDb, before: number): void => {
  db.prepare('DELETE FROM keyed_calls WHERE at < ?').run(before)
}
