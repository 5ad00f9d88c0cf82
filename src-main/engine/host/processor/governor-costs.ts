/** What a step costs by number of threads and size of its batch, learned from the steps themselves. Pure. */
import type { StepCost } from './governor.ts'

/**
 * How far a step was from what was expected of it: `mild` may be chance, `severe` is threads waiting for one that
 * another program keeps off its core.
 */
export type Stall = 'none' | 'mild' | 'severe'

interface Entry {
  /** Milliseconds of a good step. */
  expected: number
  /** Milliseconds with the bad ones in, each up to a bound. */
  typical: number
  tokens: number
  /** Stalls in a row, and the least of them. */
  streak: number
  least: number
}

const STALL_RATIO = 2.5
/** Below so many milliseconds over, a slip costs too little to act on. */
const STALL_MS = 5
const SEVERE_RATIO = 8
const SEVERE_MS = 50
/** So many slips in a row are no slips: the work itself became dearer (a long context taken from the cache). */
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

  /** Mean cost of such a step in the last dozen or so, bad steps included; null before the first. */
  typical(threads: number, tokens: number): number | null {
    return this.#entries.get(this.#key(threads, tokens))?.typical ?? null
  }

  /**
   * What a good step takes; from the nearest known neighbour where this one is not known: fewer tokens scaled up, or
   * fewer threads. Null when there is none.
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

  /** Steps with so many threads are good again: what they cost in a crowded time says nothing any more. */
  forgive(threads: number): void {
    for (const [key, entry] of this.#entries)
      if (Math.floor(key / SIZES_MAX) === threads) entry.typical = entry.expected
  }

  /** Learns from one step and judges it. */
  add({ threads, tokens, ms }: StepCost): Stall {
    const expected = this.expected(threads, tokens)
    const slip = expected === null ? 'none' : judge(ms, expected)
    const key = this.#key(threads, tokens)
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      if (this.#entries.size >= ENTRIES_MAX) this.#entries.clear()
      this.#entries.set(key, {
        expected: slip === 'none' ? ms : (expected ?? ms),
        typical: ms,
        tokens,
        streak: 0,
        least: ms,
      })
      return slip
    }
    entry.typical += (Math.min(ms, entry.expected * SEVERE_RATIO + SEVERE_MS) - entry.typical) * MEAN
    if (ms < entry.expected / 2) {
      // What was learned so far came from a first step that read the weights, or from a busy time.
      entry.expected = entry.typical = ms
      entry.streak = 0
    } else if (slip === 'none') {
      entry.streak = 0
      entry.expected += (ms - entry.expected) * (ms < entry.expected ? FALLING : RISING)
    } else {
      entry.least = entry.streak === 0 ? ms : Math.min(entry.least, ms)
      entry.streak += 1
      if (entry.streak >= STREAK) entry.expected = entry.least
    }
    return slip
  }
}

function judge(ms: number, expected: number): Stall {
  const over = ms - expected
  if (ms <= expected * STALL_RATIO || over <= STALL_MS) return 'none'
  return ms > expected * SEVERE_RATIO || over > SEVERE_MS ? 'severe' : 'mild'
}
