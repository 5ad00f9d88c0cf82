/** The time of a step by its number of threads and batch size, learned from the steps themselves. Pure. */

/** What one step took. */
export interface StepCost {
  threads: number
  /** Tokens of the step's batch. */
  tokens: number
  ms: number
}

/**
 * How much longer a step took than expected: `mild` may be chance; `severe` means threads waiting for one that another
 * program keeps off its core.
 */
export type Stall = 'none' | 'mild' | 'severe'

interface Entry {
  /** Milliseconds of a step without a stall. */
  expected: number
  /** Milliseconds with the stalled steps in, each up to a bound. */
  typical: number
  tokens: number
  /** Stalls in a row, and the least of them. */
  streak: number
  least: number
}

const STALL_RATIO = 2.5
/** A step that is at most this many milliseconds late costs too little to act on. */
const STALL_MS = 5
const SEVERE_RATIO = 8
const SEVERE_MS = 50
/** This many stalls in a row are none: the work itself became more expensive (a long context from the cache). */
const STREAK = 4
const FALLING = 0.3
const RISING = 0.05
const MEAN = 1 / 12
const ENTRIES_MAX = 4_096
const EXACT = 16

/** Exact up to 16 tokens, quarters of an octave above. */
const sizeClass = (tokens: number): number =>
  tokens <= EXACT ? tokens : EXACT + Math.floor(4 * Math.log2(tokens / EXACT))
const SIZES_MAX = 128

export class StepCosts {
  readonly #entries = new Map<number, Entry>()

  #key(threads: number, tokens: number): number {
    return threads * SIZES_MAX + Math.min(SIZES_MAX - 1, sizeClass(tokens))
  }

  /** Mean time of the last dozen such steps, stalls included; null before the first. */
  typical(threads: number, tokens: number): number | null {
    return this.#entries.get(this.#key(threads, tokens))?.typical ?? null
  }

  /**
   * Time of such a step without a stall. If none was seen, it comes from the nearest neighbour: fewer tokens, scaled up,
   * or fewer threads. Null when there is none.
   */
  expected(threads: number, tokens: number): number | null {
    const own = this.#entries.get(this.#key(threads, tokens))
    if (own !== undefined) return own.expected
    for (let fewer = this.#key(threads, tokens) - 1; fewer >= threads * SIZES_MAX; fewer -= 1) {
      const near = this.#entries.get(fewer)
      if (near !== undefined) return (near.expected * tokens) / near.tokens
    }
    for (let fewer = threads - 1; fewer >= 1; fewer -= 1) {
      const near = this.#entries.get(this.#key(fewer, tokens))
      if (near !== undefined) return near.expected
    }
    return null
  }

  /** Steps with this many threads are good again: their times under load no longer count. */
  forgive(threads: number): void {
    for (const [key, entry] of this.#entries)
      if (Math.floor(key / SIZES_MAX) === threads) entry.typical = entry.expected
  }

  /** Learns from one step and judges it. */
  add({ threads, tokens, ms }: StepCost): Stall {
    const expected = this.expected(threads, tokens)
    const stall = expected === null ? 'none' : judge(ms, expected)
    const key = this.#key(threads, tokens)
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      if (this.#entries.size >= ENTRIES_MAX) this.#entries.clear()
      this.#entries.set(key, {
        expected: stall === 'none' ? ms : (expected ?? ms),
        typical: ms,
        tokens,
        streak: 0,
        least: ms,
      })
      return stall
    }
    entry.typical += (Math.min(ms, entry.expected * SEVERE_RATIO + SEVERE_MS) - entry.typical) * MEAN
    if (ms < entry.expected / 2) {
      // The earlier figure came from a first step, which reads the weights from disk, or from a time under load.
      entry.expected = entry.typical = ms
      entry.streak = 0
    } else if (stall === 'none') {
      entry.streak = 0
      entry.expected += (ms - entry.expected) * (ms < entry.expected ? FALLING : RISING)
    } else {
      entry.least = entry.streak === 0 ? ms : Math.min(entry.least, ms)
      entry.streak += 1
      if (entry.streak >= STREAK) entry.expected = entry.least
    }
    return stall
  }
}

function judge(ms: number, expected: number): Stall {
  const over = ms - expected
  if (ms <= expected * STALL_RATIO || over <= STALL_MS) return 'none'
  return ms > expected * SEVERE_RATIO || over > SEVERE_MS ? 'severe' : 'mild'
}
