/** What one step evaluates. */
import { STEP_PROMPT_TOKENS } from '../protocol.ts'
import type { Job } from './job.ts'
import type { StepItem } from './step-model.ts'

export interface Work {
  item: StepItem
  job: Job
}

/** Every decode, then prompts in order of arrival until 128 tokens are full; in ascending slots, which the engine runs as one graph. */
export function planStep(running: readonly Job[]): Work[] {
  const work: Work[] = []
  let budget = STEP_PROMPT_TOKENS
  for (const job of running) {
    if (job.next !== null) work.push({ job, item: { slot: job.slot, position: job.held, tokens: [job.next], sampler: job.sampler } })
    else if (budget > 0) {
      const tokens = job.prompt.slice(job.held, job.held + budget)
      budget -= tokens.length
      const last = job.held + tokens.length === job.prompt.length
      work.push({ job, item: { slot: job.slot, position: job.held, tokens, sampler: last ? job.sampler : null } })
    }
  }
  return work.sort((a, b) => a.item.slot - b.item.slot)
}
