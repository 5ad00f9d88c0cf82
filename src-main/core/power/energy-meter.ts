/**
 * Adds up energy between marks, in memory until it is written: a mark costs nothing, so every change of what runs may
 * be one.
 */
import type { EpochMs } from '#contract/time.ts'

import { stretches, type Stretch } from './power.ts'

/** A longer silence was a sleeping machine: it counts as not covered. */
const GAP_MAX_MS = 15_000

/** What holds from one mark to the next. */
export interface PowerLoad {
  watts: number
  idleWatts: number
  running: number
  method: string
}

export class EnergyMeter {
  #last: { mono: number; load: PowerLoad } | null = null
  readonly #pending = new Map<EpochMs, Stretch & { method: string }>()

  /** Ends the stretch since the last mark, which had the load given then, and begins one with `load`. */
  mark(now: EpochMs, mono: number, load: PowerLoad): void {
    if (this.#last !== null) {
      const ms = Math.round(mono - this.#last.mono)
      const { watts, idleWatts, running, method } = this.#last.load
      if (ms > 0 && ms <= GAP_MAX_MS)
        for (const stretch of stretches(now - ms, now, watts, idleWatts, running)) this.#add(stretch, method)
    }
    this.#last = { mono, load }
  }

  /** What came together since the last take, by hour. */
  take(): (Stretch & { method: string })[] {
    const taken = [...this.#pending.values()]
    this.#pending.clear()
    return taken
  }

  #add(stretch: Stretch, method: string): void {
    const sum = this.#pending.get(stretch.hourMs)
    if (sum === undefined) {
      this.#pending.set(stretch.hourMs, { ...stretch, method })
      return
    }
    sum.ms += stretch.ms
    sum.joules += stretch.joules
    sum.servingJoules += stretch.servingJoules
    sum.servingMs += stretch.servingMs
    sum.jobMs += stretch.jobMs
    sum.method = method
  }
}
