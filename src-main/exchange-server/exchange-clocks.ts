/** Time for the exchange: timers that do not hold the process, and a ledger clock that only moves when it is advanced. */
import type { Clock } from '#contract/time.ts'

export interface VirtualClock extends Clock {
  advance(ms: number): void
}

/** `now` stands still until advanced; durations and sleeps are the real clock's. */
export function virtualClock(real: Clock, startsAt: number): VirtualClock {
  let time = startsAt
  return {
    now: () => time,
    mono: () => real.mono(),
    sleep: (ms, options) => real.sleep(ms, options),
    advance(ms) {
      time += ms
    },
  }
}

/** Runs `work` once after `ms`; the returned function cancels it. Never keeps the process alive. */
export function after(clock: Clock, ms: number, work: () => void): () => void {
  const stop = new AbortController()
  clock.sleep(ms, { signal: stop.signal, unref: true }).then(
    () => {
      if (!stop.signal.aborted) work()
    },
    () => undefined,
  )
  return () => stop.abort(new Error('cancelled'))
}
