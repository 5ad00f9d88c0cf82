/**
 * Time comes in: nothing in core, market, books or exam reads a global clock. Milliseconds since 1970 UTC everywhere.
 */
export type EpochMs = number

export interface Clock {
  /** Wall clock in milliseconds since 1970 UTC. */
  now(): EpochMs
  /** Monotonic milliseconds, for durations only. */
  mono(): number
  /**
   * Resolves after `ms`; rejects with the signal's reason when aborted. Never keeps the process alive by itself when
   * `unref` is true.
   */
  sleep(ms: number, options?: { signal?: AbortSignal; unref?: boolean }): Promise<void>
}

export const SECOND_MS = 1_000
export const MINUTE_MS = 60_000
/** The finest step of every sum over time: each offset from UTC in use is a multiple of it. */
export const QUARTER_MS = 900_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** Nothing is signed at a time outside 1970 to 2099: a clock that says so is wrong, and what it signs could not be read. */
export const SIGNED_TIME_MIN = 0
export const SIGNED_TIME_MAX = 4_102_444_799_999
export const isSignedTime = (at: EpochMs): boolean =>
  Number.isInteger(at) && at >= SIGNED_TIME_MIN && at <= SIGNED_TIME_MAX
