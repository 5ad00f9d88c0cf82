/** Every call measured: time to first token, rate, outcome. The rolling windows of a supplier are read from here. */
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export type CallOutcome = 'done' | 'cancelled' | 'supplier-failed' | 'deadline' | 'dropped'
export interface MeasuredCall {
  jobId: string
  supplier: string
  instrument: string
  at: number
  outcome: CallOutcome
  ttftMs: number | null
  tokPerS: number | null
  withinTtft: boolean | null
  withinRate: boolean | null
}

const flag = (value: boolean | null): number | null => (value === null ? null : Number(value))

export function insertCall(db: WriteDb, call: MeasuredCall): void {
  db.prepare(
    'INSERT INTO calls (job_id, supplier, instrument, at, outcome, ttft_ms, tok_per_s, within_ttft, within_rate) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(
    call.jobId,
    call.supplier,
    call.instrument,
    call.at,
    call.outcome,
    call.ttftMs === null ? null : Math.round(call.ttftMs),
    call.tokPerS,
    flag(call.withinTtft),
    flag(call.withinRate),
  )
}

export interface CallWindow {
  calls: number
  failed: number
  slowFirstToken: number
  slowRate: number
}

/** Counts since `from`; a cancelled call is no failure. */
export const callWindow = (db: ReadDb, supplier: string, instrument: string, from: number): CallWindow =>
  db
    .prepare<CallWindow>(
      `SELECT count(*) AS calls, count(*) FILTER (WHERE outcome IN ('supplier-failed', 'deadline', 'dropped')) AS failed,
              count(*) FILTER (WHERE within_ttft = 0) AS slowFirstToken, count(*) FILTER (WHERE within_rate = 0) AS slowRate
       FROM calls WHERE supplier = ? AND instrument = ? AND at >= ?`,
    )
    .get(supplier, instrument, from)!

export const callsSince = (db: ReadDb, instrument: string, from: number): number =>
  db
    .prepare<{ n: number }>(`SELECT count(*) AS n FROM calls WHERE instrument = ? AND at >= ? AND outcome = 'done'`)
    .get(instrument, from)?.n ?? 0

export const pruneCalls = (db: WriteDb, before: number): void => {
  db.prepare('DELETE FROM calls WHERE at < ?').run(before)
}
