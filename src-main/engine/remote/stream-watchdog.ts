/**
 * Ends a stream that is silent for too long: there is a limit for the first byte, for each later one, and for the whole.
 * One timer serves all of them, however many chunks come.
 */
import type { Clock } from '#contract/time.ts'

export interface StreamTimeouts {
  firstMs: number
  idleMs: number
  wholeMs: number
}

export interface StreamWatchdog {
  /** Bytes came. */
  touch(): void
  stop(): void
}

export function createStreamWatchdog(
  clock: Clock,
  { firstMs, idleMs, wholeMs }: StreamTimeouts,
  onLate: (what: 'first' | 'idle' | 'whole') => void,
): StreamWatchdog {
  const start = clock.mono()
  const stopping = new AbortController()
  let heardAt: number | null = null

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const now = clock.mono()
      const left = heardAt === null ? start + firstMs - now : heardAt + idleMs - now
      const whole = start + wholeMs - now
      if (whole <= 0) return onLate('whole')
      if (left <= 0) return onLate(heardAt === null ? 'first' : 'idle')
      await clock.sleep(Math.min(left, whole, idleMs), { signal: stopping.signal, unref: true })
    }
  }
  watch().catch(() => undefined)
  return {
    touch() {
      heardAt = clock.mono()
    },
    stop: () => stopping.abort(),
  }
}
