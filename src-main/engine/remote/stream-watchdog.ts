/**
 * Ends a stream that stays silent: the first byte, each next one, and the whole have their time. One timer for all,
 * however many pieces come.
 */
import type { Clock } from '#contract/time.ts'

export interface Patience {
  firstMs: number
  idleMs: number
  wholeMs: number
}

export interface Watchdog {
  /** Something came. */
  touch(): void
  stop(): void
}

export function createWatchdog(
  clock: Clock,
  { firstMs, idleMs, wholeMs }: Patience,
  onLate: (what: 'first' | 'idle' | 'whole') => void,
): Watchdog {
  const start = clock.mono()
  const over = new AbortController()
  let heardAt: number | null = null

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      const now = clock.mono()
      const left = heardAt === null ? start + firstMs - now : heardAt + idleMs - now
      const whole = start + wholeMs - now
      if (whole <= 0) return onLate('whole')
      if (left <= 0) return onLate(heardAt === null ? 'first' : 'idle')
      await clock.sleep(Math.min(left, whole, idleMs), { signal: over.signal, unref: true })
    }
  }
  watch().catch(() => undefined)
  return {
    touch() {
      heardAt = clock.mono()
    },
    stop: () => over.abort(),
  }
}
