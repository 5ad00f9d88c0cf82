/**
 * A bound on failed logins: a token bucket over all callers, so that guessing is slow however many addresses it comes
 * from.
 */
import type { Clock } from '#contract/time.ts'

export interface Attempts {
  /** False when there were too many failures lately; then nothing is compared at all. */
  mayTry(): boolean
  failed(): void
}

/** `burst` failures at once, then one more every `everyMs`. */
export function createAttempts(clock: Clock, burst = 10, everyMs = 6_000): Attempts {
  let left = burst
  let at = clock.mono()
  const refill = (): void => {
    const now = clock.mono()
    left = Math.min(burst, left + (now - at) / everyMs)
    at = now
  }
  return {
    mayTry() {
      refill()
      return left >= 1
    },
    failed() {
      refill()
      left = Math.max(0, left - 1)
    },
  }
}
