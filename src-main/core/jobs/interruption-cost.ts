/** What it costs to end jobs at once, when their owner takes the machine back. */
import type { ActiveJob } from './active-job.ts'

/** Tokens as billed. */
export interface InterruptionCost {
  /** Ended before any text: the exchange gives them to another supplier. */
  handedOff: number
  /** Ended in the middle: their buyers pay nothing. */
  failed: number
  /** What the failed jobs' delivered text would have earned after the fee, in nano-units of the realm. */
  sellerNano: number
  lostTokens: number
}

/** What it costs to fail these jobs now. */
export function interruptionCost(jobs: readonly ActiveJob[], feeBps: number): InterruptionCost {
  const cost: InterruptionCost = { handedOff: 0, failed: 0, sellerNano: 0, lostTokens: 0 }
  for (const job of jobs) {
    // Late or stopped already: taking the machine back cost nothing there.
    if (job.frame.examId !== undefined || job.cancelled !== null) continue
    if (job.ttftMs === null) {
      cost.handedOff += 1
      continue
    }
    cost.failed += 1
    cost.sellerNano += job.live(feeBps).sellerNano
    cost.lostTokens += job.inputTokens + job.outputTokens
  }
  return cost
}
