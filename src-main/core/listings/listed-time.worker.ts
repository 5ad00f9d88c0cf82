/**
 * Counts the time with something listed, and the part of it in which the exchange was reachable: what uptime is judged
 * by.
 */
import type { CoreContext } from '#core/core-context.ts'
import { SECOND_MS } from '#contract/time.ts'

import { addListedTime } from './listings.store.ts'

const EVERY_MS = 10 * SECOND_MS
/** A longer gap means the machine slept: that time was not served. */
const GAP_MAX_MS = 3 * EVERY_MS

/** Starts counting; the returned function counts the rest and stops. */
export function countListedTime({ realmDb, clock, exchange, log }: CoreContext, wanted: () => boolean): () => void {
  const stopping = new AbortController()
  let last = clock.mono()
  const count = (): void => {
    const now = clock.mono()
    const ms = Math.round(now - last)
    last = now
    if (ms <= 0 || ms > GAP_MAX_MS || !wanted()) return
    realmDb.tx((db) => addListedTime(db, clock.now(), ms, exchange.state().kind === 'online'))
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(EVERY_MS, { signal: stopping.signal, unref: true })
      count()
    }
  }
  loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) log.error({ err: error }, 'listed time is not counted any more')
  })
  return () => {
    stopping.abort()
    count()
  }
}
