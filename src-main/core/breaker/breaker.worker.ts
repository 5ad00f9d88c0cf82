/** The loop: silence and due self-checks twice a second, files and folder every two seconds. */
import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import { LOOK_EVERY_MS, TICK_MS } from './triggers.ts'

export interface BreakerWork {
  /** Must not wait for anything: what is due is begun. */
  tick(this: void): void
  look(this: void): Promise<void>
}

/** The returned function ends it, and resolves when its last look has ended. */
export function keepLooking(
  { clock, log }: { clock: Clock; log: Log },
  { tick, look }: BreakerWork,
): () => Promise<void> {
  const onError = (error: unknown): void =>
    log.error({ err: error }, 'the breaker could not look at something; it looks again in a moment')
  // Two loops: a disk that hangs must not hide an engine that is silent.
  const loops = [every(clock, TICK_MS, tick, { onError }), every(clock, LOOK_EVERY_MS, look, { onError })]
  return async () => {
    for (const { stop } of loops) stop()
    await loops[0]?.done
  }
}
