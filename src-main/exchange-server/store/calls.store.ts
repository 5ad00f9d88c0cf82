/** Every call measured: time to first token, rate, outcome. The rolling windows of a supplier are read from here. */
import { bool, int, nullable, real, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

/**
 * `unservable`: refused for the request itself, and nobody else served it either; it says nothing of the supplier.
 * `declined`: by policy or licence, no failure either.
 */
export type CallOutcome = 'done' | 'declined' | 'cancelled' | 'supplier-failed' | 'deadline' | 'dropped' | 'unservable'
export const measuredCalls = defineTable('calls', {
  jobId: text(),
  supplier: text(),
  instrument: text(),
  at: int(),
  outcome: text<CallOutcome>(),
  ttftMs: nullable(int()),
  tokPerS: nullable(real()),
  withinTtft: nullable(bool()),
  withinRate: nullable(bool()),
})
const insertOnce = measuredCalls.inserter({ conflict: 'ON CONFLICT DO NOTHING' })

/** A job is measured once; `ttftMs` is rounded. */
export const insertCall = (db: WriteDb, call: RowOf<typeof measuredCalls>): number =>
  insertOnce(db, { ...call, ttftMs: call.ttftMs === null ? null : Math.round(call.ttftMs) })

export interface CallWindow {
  calls: number
  failed: number
  slowFirstToken: number
  slowRate: number
}

/** Counts since `from`; a cancelled call is no failure, an unservable one is no call. */
export const callWindow = (db: ReadDb, supplier: string, instrument: string, from: number): CallWindow =>
  db
    .prepare<CallWindow>(
      `SELECT count(*) AS calls, count(*) FILTER (WHERE outcome IN ('supplier-failed', 'deadline', 'dropped')) AS failed,
              count(*) FILTER (WHERE within_ttft = 0) AS slowFirstToken, count(*) FILTER (WHERE within_rate = 0) AS slowRate
       FROM calls WHERE supplier = ? AND instrument = ? AND at >= ? AND outcome <> 'unservable'`,
    )
    .get(supplier, instrument, from)!

/** Calls of these jobs were said to be unservable, and were not. */
export function blameSupplier(db: WriteDb, jobIds: readonly string[]): void {
  for (const jobId of jobIds)
    measuredCalls.update(db, { outcome: 'supplier-failed' }, `WHERE job_id = ? AND outcome = 'unservable'`, jobId)
}

export const callsSince = (db: ReadDb, instrument: string, from: number): number =>
  db
    .prepare<{ n: number }>(`SELECT count(*) AS n FROM calls WHERE instrument = ? AND at >= ? AND outcome = 'done'`)
    .get(instrument, from)?.n ?? 0

export const pruneCalls = (db: WriteDb, before: number): void => {
  db.prepare('DELETE FROM calls WHERE at < ?').run(before)
}
