/** What it costs to end jobs at once, when their owner takes the machine back. */
import type { Run } from './active-job.ts'

/** Amounts after the fee, tokens as billed. */
export interface Lost {
  /** Ended before any text: the exchange gives them to another supplier. */
  handedOff: number
  /** Ended in the middle: their buyers pay nothing. */
  failed: number
  lostNano: number
  lostTokens: number
}

/** Of jobs that are to fail now. */
export function lostWith(runs: readonly Run[], feeBps: number): Lost {
  const lost: Lost = { handedOff: 0, failed: 0, lostNano: 0, lostTokens: 0 }
  for (const run of runs) {
    // Late or stopped already: taking the machine back cost nothing there.
    if (run.frame.examId !== undefined || run.cancelled !== null) continue
    if (run.ttftMs === null) {
      lost.handedOff += 1
      continue
    }
    lost.failed += 1
    lost.lostNano += run.live(feeBps).earnsNano
    lost.lostTokens += run.inputTokens + run.outputTokens
  }
  return lost
}
