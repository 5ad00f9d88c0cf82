/**
 * Counts the time with something listed, and the part of it in which the exchange was reachable: what uptime is judged
 * by.
 */
import type { VenueContext } from '#core/core-context.ts'
import { SECOND_MS } from '#contract/time.ts'
import { every } from '#lib/every.ts'

import { addListedTime } from './listings.store.ts'

const EVERY_MS = 10 * SECOND_MS
/** A longer gap means the machine slept: that time was not served. */
const GAP_MAX_MS = 3 * EVERY_MS

/** Starts counting; the returned function counts the rest and stops. */
export function countListedTime({ realmDb, clock, venue, log }: VenueContext, wanted: () => boolean): () => void {
  let last = clock.mono()
  const count = (): void => {
    const now = clock.mono()
    const ms = Math.round(now - last)
    last = now
    if (ms <= 0 || ms > GAP_MAX_MS || !wanted()) return
    realmDb.tx((db) => addListedTime(db, clock.now(), ms, venue.state().kind === 'online'))
  }
  const loop = every(clock, EVERY_MS, count, {
    onError: (error) => log.error({ err: error }, 'some listed time could not be counted'),
  })
  return () => {
    loop.stop()
    count()
  }
}
