/**
 * Which stalls are a reason to use fewer threads. A virtual machine that is paused now and then stalls with any number
 * of threads. Pure.
 */
import type { BusyWatch } from './busy-watch.ts'
import type { Stall, StepCost, StepCosts } from './governor-costs.ts'

/**
 * `crowded`: other programs compete for our cores, whatever the steps; `costly`: no load is seen, but steps of this
 * class lost more time by stalls than they gain by the last thread (small steps, between which our own messages need a
 * core).
 */
export type StallVerdict = 'fine' | 'crowded' | 'costly'

export interface Stalls {
  /** For every step with more than one thread; `group`: its class. */
  judge(stall: Stall, cost: StepCost, group: number): StallVerdict
  /** The number of threads changed. */
  clear(): void
}

/** A single step this much too long means threads that wait for their core. */
const LONG_MS = 50
/**
 * Cores used by others that may explain a stall. Where the system saw less load, the machine itself was paused, or our
 * own parent process ran; once, that is no reason to act.
 */
const SUSPECT = 0.4
/**
 * The cost of stalls is remembered over about this many steps: few where other programs are at work, many where only
 * the steps themselves can tell.
 */
const MEMORY_STEPS = 64
const LONG_MEMORY_STEPS = 256
/** Short: the step itself is the time to look at. */
const LOOK_MS = 5

/** Milliseconds lately lost to stalls. */
interface Lost {
  short: number
  long: number
}

export function createStalls(costs: StepCosts, { watch }: { watch: BusyWatch }): Stalls {
  const groups = new Map<number, Lost>()
  return {
    judge(stall, { threads, tokens, ms }, group) {
      let lost = groups.get(group)
      if (lost === undefined) groups.set(group, (lost = { short: 0, long: 0 }))
      lost.short *= 1 - 1 / MEMORY_STEPS
      lost.long *= 1 - 1 / LONG_MEMORY_STEPS
      if (stall === 'none') return 'fine'
      const good = costs.expected(threads, tokens) ?? 0
      const fewer = costs.typical(threads - 1, tokens)
      const over = ms - good
      const again = lost.short > over / 2
      lost.short += over
      lost.long += over
      const { others, known } = watch.look(LOOK_MS)
      // Where fewer threads seem faster anyway, one of the two figures is outdated; a trial will tell.
      if (known && others < SUSPECT)
        return fewer !== null && fewer > good && again && lost.long > (fewer - good) * LONG_MEMORY_STEPS
          ? 'costly'
          : 'fine'
      if (over > LONG_MS || stall === 'severe') return 'crowded'
      return (fewer === null ? again : lost.short > (fewer - good) * MEMORY_STEPS) ? 'crowded' : 'fine'
    },
    clear: () => groups.clear(),
  }
}
