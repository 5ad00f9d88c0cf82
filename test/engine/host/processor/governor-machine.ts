/**
 * A simulated machine that runs steps under a governor: cores, other programs that spin on some of them, and what that
 * does to threads that wait for each other. Seeded.
 */
import { createBusyWatch } from '#engine/host/processor/busy-watch.ts'
import { createGovernor, type Governor } from '#engine/host/processor/governor.ts'

export interface MachineOptions {
  cores?: number
  limit?: number
  seed?: number
  /** Cores that other programs spin on, by simulated time. */
  others?: (ms: number) => number
  /** A good step on a quiet machine. */
  quietMs?: (threads: number, tokens: number) => number
  /** Share of the steps that the host of the virtual machine interrupts for `stealMs`, whatever the threads. */
  steal?: number
  stealMs?: number
  /** The system tells nothing of others. */
  blind?: boolean
}

/** Measured with the mini model: 4.9 and 3.0 ms with one and two threads for one stream, 18.6 and 12.0 for eight. */
export const miniMs = (threads: number, tokens: number): number => (2.94 + 1.96 * tokens) * (0.25 + 0.75 / threads)

function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export interface Ran {
  steps: number
  tokens: number
  ms: number
  /** Tokens a second. */
  rate: number
  /** Share of the steps, and of the time, with more threads than there were cores left for. */
  crowdedSteps: number
  crowdedTime: number
  /** Threads of every step. */
  threads: number[]
}

export class SimulatedMachine {
  now = 0
  governor: Governor
  #own = 0
  #busy = 0
  readonly #random: () => number
  readonly #options: Required<MachineOptions>

  constructor(options: MachineOptions = {}) {
    this.#options = {
      cores: 2,
      limit: 2,
      seed: 1,
      others: () => 0,
      quietMs: miniMs,
      steal: 0,
      stealMs: 8,
      blind: false,
      ...options,
    }
    this.#random = seeded(this.#options.seed)
    const { limit, cores, blind } = this.#options
    const mono = (): number => this.now
    const read = (): { busyMs: number; ownMs: number; running: number } | null =>
      blind
        ? null
        : {
            busyMs: Math.floor(this.#busy / 10) * 10,
            ownMs: this.#own,
            running: 1 + Math.round(this.#options.others(this.now)),
          }
    this.governor = createGovernor({ limit, cores, mono, watch: createBusyWatch({ read, mono }) })
  }

  /** Time passes without a step. */
  rest(ms: number): void {
    this.#busy += Math.min(this.#options.cores, this.#options.others(this.now)) * ms
    this.now += ms
  }

  /** One step that takes so much longer, whatever the threads. */
  hiccup(ms: number): void {
    const threads = this.governor.next(1)
    const took = this.#options.quietMs(threads, 1) + ms
    this.#own += threads * took
    this.#busy += threads * took
    this.now += took
    this.governor.took({ threads, tokens: 1, ms: took })
  }

  #stepMs(threads: number, tokens: number): number {
    const { cores, others, quietMs, steal, stealMs } = this.#options
    const busy = others(this.now)
    let ms = quietMs(threads, tokens) * (0.95 + 0.1 * this.#random())
    if (threads > 1 && threads > cores - busy + 0.5)
      ms = this.#random() < 0.15 ? ms + 30 + 400 * this.#random() : ms * 1.4
    else if (threads > cores - busy + 0.5) ms *= 2
    return this.#random() < steal ? ms + stealMs : ms
  }

  /** Steps for so long; `tokens` of each step's batch. `fixed` goes round the governor. */
  run(forMs: number, { tokens = () => 1, fixed }: { tokens?: () => number; fixed?: number } = {}): Ran {
    const { cores, others } = this.#options
    const start = this.now
    const threads: number[] = []
    let [crowded, crowdedMs, sum] = [0, 0, 0]
    while (this.now - start < forMs) {
      const count = tokens()
      const used = fixed ?? this.governor.next(count)
      const busy = Math.min(cores, others(this.now))
      const ms = this.#stepMs(used, count)
      if (used > 1 && used > cores - busy + 0.5) [crowded, crowdedMs] = [crowded + 1, crowdedMs + ms]
      this.#own += Math.min(used, Math.max(1, cores - busy)) * ms
      this.#busy += Math.min(cores, Math.min(used, cores) + busy) * ms
      this.now += ms
      if (fixed === undefined) this.governor.took({ threads: used, tokens: count, ms })
      threads.push(used)
      sum += count
    }
    const ms = this.now - start
    return {
      steps: threads.length,
      tokens: sum,
      ms,
      rate: (sum / ms) * 1_000,
      crowdedSteps: crowded / threads.length,
      crowdedTime: crowdedMs / ms,
      threads,
    }
  }
}
