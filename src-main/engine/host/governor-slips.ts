/** Which slips are a reason for fewer threads. A virtual machine that stands still now and then does so with any number of threads. Pure. */
import type { BusyWatch } from './busy-watch.ts'
import type { Slip, StepCosts } from './governor-costs.ts'
import type { StepCost } from './governor.ts'

export interface Slips {
  /** Told of every step with more than one thread. True for a long slip, when others want our cores at this moment, or when the last slips cost more than fewer threads would. */
  counts(slip: Slip, cost: StepCost): boolean
  /** The number of threads changed. */
  clear(): void
}

/** One step so much too long is threads waiting, whatever else is said. */
const LONG_MS = 50
/** What slips cost is remembered over about so many steps. */
const MEMORY_STEPS = 64
/** The step itself was the time to look at. */
const LOOK_MS = 5

export function createSlips(costs: StepCosts, { watch, cores }: { watch: BusyWatch; cores: number }): Slips {
  let lostMs = 0
  return {
    counts(slip, { threads, tokens, ms }) {
      lostMs *= 1 - 1 / MEMORY_STEPS
      if (slip === 'none') return false
      const good = costs.expected(threads, tokens) ?? 0
      const fewer = costs.typical(threads - 1, tokens)
      const again = lostMs > (ms - good) / 2
      lostMs += ms - good
      if (ms - good > LONG_MS) return true
      const { running } = watch.look(LOOK_MS)
      if (slip === 'severe' && running !== null && running > cores) return true
      return fewer === null ? slip === 'severe' || again : lostMs > (fewer - good) * MEMORY_STEPS
    },
    clear() {
      lostMs = 0
    },
  }
}
