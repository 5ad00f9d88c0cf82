/** A job as the scheduler holds it: where it waits, where it stands in its slot, and the text on its way out. */
import type { EngineUsage, TokenLogprob } from '#contract/inference.ts'
import type { EnginePriority } from '#core/engine/engine.port.ts'

import type { Job } from './engine-job.ts'

export interface Placed {
  readonly job: Job
  readonly priority: EnginePriority
  /** Order of submission. */
  readonly arrival: number
  /** Monotonic ms. */
  readonly arrivedAt: number
  /** Monotonic ms; null for no deadline. */
  readonly deadlineAt: number | null
  /** -1 while it waits. */
  slot: number
  /** Tokens of this job its slot holds: prompt first, then answer. */
  held: number
  /** Chosen, and not yet in the slot. Null while the prompt is being read. */
  next: number | null
  /** Prompt tokens of the step being planned. */
  share: number
  /** Another job that reads the same beginning now: this one waits for it and copies. */
  leader: Placed | null
  /** Tokens to copy from the leader; what the leader held when last looked at; looks without progress. */
  wanted: number
  leaderHeld: number
  stalls: number
  cancelled: boolean
  /** Ended, one way or another. */
  left: boolean
  usage: EngineUsage
  firstTextAt: number | null
  /** Text not yet sent; never more than the job's tokens make. */
  outbox: string
  logprobs: TokenLogprob[]
}

export type Arrival = Pick<Placed, 'job' | 'priority' | 'arrival' | 'arrivedAt' | 'deadlineAt'>

export const place = (arrival: Arrival): Placed => ({
  ...arrival,
  slot: -1,
  held: 0,
  next: null,
  share: 0,
  leader: null,
  wanted: 0,
  leaderHeld: 0,
  stalls: 0,
  cancelled: false,
  left: false,
  usage: { promptTokens: arrival.job.prompt.length, cachedTokens: 0, generatedTokens: 0 },
  firstTextAt: null,
  outbox: '',
  logprobs: [],
})

/** Prompt tokens still to be evaluated. */
export const promptLeft = ({ job, held, next }: Placed): number => (next === null ? job.prompt.length - held : 0)
/** Answer tokens it may still generate. */
export const answerLeft = ({ job, usage }: Placed): number => job.maxTokens - usage.generatedTokens
