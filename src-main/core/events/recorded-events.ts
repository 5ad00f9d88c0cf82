/**
 * What happened to this machine and why, kept to be read later: a bounded list in rig.db. What cannot be written now (the
 * disk may be what it is about) waits in memory, bounded, for the next that can.
 */
import type { CoreContext } from '#core/core-context.ts'

import { insertEvents, newestEvents, type RigEvent } from './recorded-events.store.ts'

export interface RecordedEvents {
  /** Never throws. */
  record(event: Omit<RigEvent, 'at'>): void
  /** The newest first, those that are not written yet among them. */
  newest(limit: number): RigEvent[]
}

/** Not written yet; the oldest is lost first. */
const WAITING_MAX = 100

export function createRecordedEvents({
  rigDb,
  clock,
  log,
}: Pick<CoreContext, 'rigDb' | 'clock' | 'log'>): RecordedEvents {
  let waiting: RigEvent[] = []
  return {
    record(event) {
      waiting = [...waiting, { ...event, at: clock.now() }].slice(-WAITING_MAX)
      try {
        rigDb.tx((db) => insertEvents(db, waiting))
        waiting = []
      } catch (error) {
        log.warn({ err: error, what: event.what }, 'an event could not be kept yet')
      }
    },
    newest: (limit) => [...waiting.toReversed(), ...newestEvents(rigDb.read, limit)].slice(0, limit),
  }
}
