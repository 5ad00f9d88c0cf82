/** SQL of recorded events. */
import { parseStoredReason, storedReason, type Reason } from '#contract/reasons.ts'
import type { EpochMs } from '#contract/time.ts'
import { defaulted, int, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable } from '#db/table.ts'

export interface RigEvent {
  at: EpochMs
  /** For programs: `breaker.stopped`. */
  what: string
  /** What it is about, for example `own-faults dep_1`. */
  subject: string
  reason: Reason
}

export const rigEvents = defineTable('rig_events', {
  eventId: defaulted(int()),
  at: int(),
  what: text(),
  subject: text(),
  reason: text(),
})
/** Rows that are kept; far more than anybody reads of the past. */
const KEPT_MAX = 2_000

const { columns } = rigEvents

/** In the order given; the oldest beyond the bound go. */
export function insertEvents(db: WriteDb, events: readonly RigEvent[]): void {
  for (const { at, what, subject, reason } of events)
    rigEvents.insert(db, { at, what, subject, reason: storedReason(reason) })
  db.prepare('DELETE FROM rig_events WHERE event_id <= (SELECT max(event_id) FROM rig_events) - ?').run(KEPT_MAX)
}

export const newestEvents = (db: ReadDb, limit: number): RigEvent[] =>
  rigEvents
    .all(db, `SELECT ${columns} FROM rig_events ORDER BY event_id DESC LIMIT ?`, limit)
    .map(({ at, what, subject, reason }) => ({ at, what, subject, reason: parseStoredReason(reason) }))
