/** How many threads the next step may use: asked before every step, told after it. */

export interface StepCost {
  threads: number
  /** Tokens of the step's batch. */
  tokens: number
  ms: number
}

export interface Governor {
  /** At least 1. */
  next(): number
  took(cost: StepCost): void
  /** Most threads from now on: this process's share. */
  setLimit(threads: number): void
}

/** Always the limit. */
export function fixedGovernor(limit: number): Governor {
  let threads = limit
  return { next: () => threads, took: () => undefined, setLimit: (most) => void (threads = Math.max(1, most)) }
}
