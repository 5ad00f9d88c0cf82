/**
 * Which slips are a reason for fewer threads, and whose. A virtual machine that stands still now and then does so with
 * any number of threads. Pure.
 */
import type { BusyWatch } from './busy-watch.ts'
import type { Stall, StepCosts } from './governor-costs.ts'
import type { StepCost } from './governor.ts'

/**
 * `crowded`: others want our cores, whatever the steps; `dear`: nobody is seen there, but steps of this kind lost more
 * by waiting than they gain by the last thread (small steps, between which our own messages want a core).
 */
export type Verdict = 'fine' | 'crowded' | 'costly'

export interface Stalls {
  /** Told of every step with more than one thread; `group`: steps of one kind. */
  judge(slip: Stall, cost: StepCost, group: number): Verdict
  /** The number of threads changed. */
  clear(): void
}

/** One step so much too long is threads that wait for their core. */
const LONG_MS = 50
/**
 * Cores of others that may explain a slip. Where the system says that nobody had them, the machine itself stood still,
 * or our own parent had a word; the first time that is nobody's fault.
 */
const SUSPECT = 0.4
/**
 * What slips cost is remembered over about so many steps: few where others are at work, many where only the steps
 * themselves can tell.
 */
const MEMORY_STEPS = 64
const LONG_MEMORY_STEPS = 256
/** The step itself was the time to look at. */
const LOOK_MS = 5

/** Milliseconds that slips took lately. */
interface Lost {
  short: number
  long: number
}

export function createStalls(costs: StepCosts, { watch }: { watch: BusyWatch }): Stalls {
  const groups = new Map<number, Lost>()
  return {
    judge(slip, { threads, tokens, ms }, group) {
      let lost = groups.get(group)
      if (lost === undefined) groups.set(group, (lost = { short: 0, long: 0 }))
      lost.short *= 1 - 1 / MEMORY_STEPS
      lost.long *= 1 - 1 / LONG_MEMORY_STEPS
      if (slip === 'none') return 'fine'
      const good = costs.expected(threads, tokens) ?? 0
      const fewer = costs.typical(threads - 1, tokens)
      const over = ms - good
      const again = lost.short > over / 2
      lost.short += over
      lost.long += over
      const { others, known } = watch.look(LOOK_MS)
      // Where fewer threads seem faster anyway, one figure is old; a trial says which.
      if (known && others < SUSPECT)
        return fewer !== null && fewer > good && again && lost.long > (fewer - good) * LONG_MEMORY_STEPS
          ? 'costly'
          : 'fine'
      if (over > LONG_MS || slip === 'severe') return 'crowded'
      return (fewer === null ? again : lost.short > (fewer - good) * MEMORY_STEPS) ? 'crowded' : 'fine'
    },
    clear: () => groups.clear(),
  }
}
