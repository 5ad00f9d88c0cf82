/** A clock that moves only when a test says so; sleeps wake in the order of their times. */
import type { Clock } from '#contract/time.ts'

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/** Lets promises that are ready settle, microtasks and one turn of the loop alike, without waiting for time. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const MAX_WAKES = 1_000_000

export class FakeClock implements Clock {
  #time: number
  readonly #start: number
  #order = 0
  readonly #sleepers = new Set<Sleeper>()

  /** Starts at 21 November 2026 12:00 UTC unless told otherwise. */
  constructor(startsAt = Date.UTC(2026, 10, 21, 12)) {
    this.#time = startsAt
    this.#start = startsAt
  }

  now(): number {
    return this.#time
  }

  mono(): number {
    return this.#time - this.#start
  }

  /** How many sleeps are waiting: a test can see a loop that was not stopped. */
  get waiting(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, options: { signal?: AbortSignal; unref?: boolean } = {}): Promise<void> {
    const { signal } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason as Error)
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const sleeper: Sleeper = { at: this.#time + Math.max(0, ms), order: (this.#order += 1), wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /**
   * Moves time on by `ms`, waking every sleeper due on the way at its own time and letting its promises settle before
   * the next.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#time + ms
    await settle()
    for (let wakes = 0; wakes < MAX_WAKES; wakes += 1) {
      const next = this.#nextDue(target)
      if (next === null) break
      this.#sleepers.delete(next)
      this.#time = Math.max(this.#time, next.at)
      next.wake()
      await settle()
    }
    this.#time = target
    await settle()
  }

  /** Jumps without waking anybody: a suspended machine, or a wall clock set by hand. */
  jump(ms: number): void {
    this.#time += ms
  }

  #nextDue(until: number): Sleeper | null {
    let next: Sleeper | null = null
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > until) continue
      if (next === null || sleeper.at < next.at || (sleeper.at === next.at && sleeper.order < next.order))
        next = sleeper
    }
    return next
  }
}
