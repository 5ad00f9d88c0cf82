/**
 * Adds up energy between marks, in memory until it is written: a mark costs nothing, so every change of what runs may
 * be one.
 */
import type { EpochMs } from '#contract/time.ts'

import { stretches, type Stretch } from './power.ts'
import type { GpuWatts } from './power-source.ts'

/** A longer silence was a sleeping machine: it counts as not covered. */
const GAP_MAX_MS = 15_000

/** What holds from one mark to the next. */
export interface PowerLoad {
  watts: number
  idleWatts: number
  running: number
  method: string
  /** Part of `watts`: the GPUs whose meter reads each by itself. */
  gpus: readonly GpuWatts[]
}

/** One quarter hour, or the part of it that came together. */
export interface MeteredStretch extends Stretch {
  method: string
  /** By GPU: joules, and the milliseconds they are of. */
  gpus: Map<string, { joules: number; ms: number }>
}

export class EnergyMeter {
  #last: { mono: number; load: PowerLoad } | null = null
  readonly #pending = new Map<EpochMs, MeteredStretch>()

  /** Ends the stretch since the last mark, which had the load given then, and begins one with `load`. */
  mark(now: EpochMs, mono: number, load: PowerLoad): void {
    if (this.#last !== null) {
      const ms = Math.round(mono - this.#last.mono)
      const { watts, idleWatts, running } = this.#last.load
      if (ms > 0 && ms <= GAP_MAX_MS)
        for (const stretch of stretches(now - ms, now, watts, idleWatts, running)) this.#add(stretch, this.#last.load)
    }
    this.#last = { mono, load }
  }

  /** What came together since the last take, by quarter hour. */
  take(): MeteredStretch[] {
    const taken = [...this.#pending.values()]
    this.#pending.clear()
    return taken
  }

  /** What was taken and could not be written; a quarter hour stays one, however often that happens. */
  giveBack(taken: readonly MeteredStretch[]): void {
    for (const { method, gpus, ...stretch } of taken) this.#sum(stretch, method, gpus)
  }

  #add(stretch: Stretch, { method, gpus }: PowerLoad): void {
    const { ms } = stretch
    this.#sum(stretch, method, new Map(gpus.map(({ gpu, watts }) => [gpu, { joules: (watts * ms) / 1_000, ms }])))
  }

  #sum(stretch: Stretch, method: string, gpus: MeteredStretch['gpus']): void {
    const sum = this.#pending.get(stretch.quarterMs)
    if (sum === undefined) this.#pending.set(stretch.quarterMs, { ...stretch, method, gpus: new Map() })
    else {
      sum.ms += stretch.ms
      sum.joules += stretch.joules
      sum.servingJoules += stretch.servingJoules
      sum.servingMs += stretch.servingMs
      sum.jobMs += stretch.jobMs
      sum.method = method
    }
    const byGpu = this.#pending.get(stretch.quarterMs)!.gpus
    for (const [gpu, more] of gpus) {
      const { joules, ms } = byGpu.get(gpu) ?? { joules: 0, ms: 0 }
      byGpu.set(gpu, { joules: joules + more.joules, ms: ms + more.ms })
    }
  }
}
