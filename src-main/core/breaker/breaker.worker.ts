/** The loop: silence and due self-checks, twice a second. */
import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import { TICK_MS } from './triggers.ts'

/** `tick` must not wait for anything: what is due is begun. The returned function ends it. */
export function keepLooking({ clock, log }: { clock: Clock; log: Log }, tick: () => void): () => Promise<void> {
  const onError = (error: unknown): void =>
    log.error({ err: error }, 'the breaker could not look at something; it looks again in a moment')
  const { stop, done } = every(clock, TICK_MS, tick, { onError })
  return async () => {
    stop()
    await done
  }
}
