/**
 * Counts the time with something listed, and the part of it in which the exchange was reachable: what uptime is judged
 * by.
 */
import type { VenueContext } from '#core/core-context.ts'
import { MINUTE_MS, SECOND_MS } from '#contract/time.ts'
import { every } from '#lib/every.ts'

import { addListedTime } from './listings.store.ts'

/**
 * How often it is looked at; and how often that is written, after the first time: each commit costs the disk its pages,
 * and a kill forgets no more than this. Time away is written sooner: an uptime must not be overstated meanwhile.
 */
const EVERY_MS = 10 * SECOND_MS
const WRITE_MS = 5 * MINUTE_MS
const WRITE_AWAY_MS = MINUTE_MS
/** A longer gap means the machine slept: that time was not served. */
const GAP_MAX_MS = 3 * EVERY_MS

/** Starts counting; the returned function counts the rest and stops. */
export function countListedTime({ realmDb, clock, venue, log }: VenueContext, wanted: () => boolean): () => void {
  let last = clock.mono()
  /** One stretch without a gap, connected throughout or not at all. */
  let unwritten: { at: number; online: boolean; ms: number } | null = null
  let written = false
  const write = (): void => {
    if (unwritten === null) return
    const { at, online, ms } = unwritten
    unwritten = null
    written = true
    realmDb.tx((db) => addListedTime(db, at, ms, online))
  }
  const count = (): void => {
    const now = clock.mono()
    const ms = Math.round(now - last)
    last = now
    if (ms <= 0 || ms > GAP_MAX_MS || !wanted()) return write()
    const at = clock.now()
    const online = venue.state().kind === 'online'
    if (unwritten?.online !== online) write()
    unwritten = { at, online, ms: (unwritten?.ms ?? 0) + ms }
    if (!written || unwritten.ms >= (online ? WRITE_MS : WRITE_AWAY_MS)) write()
  }
  const loop = every(clock, EVERY_MS, count, {
    onError: (error) => log.error({ err: error }, 'some listed time could not be counted'),
  })
  return () => {
    loop.stop()
    count()
    write()
  }
}
