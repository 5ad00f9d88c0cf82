/** A job as the scheduler holds it: waiting or running, its progress in its slot, and the text not yet sent. */
import type { EngineUsage, TokenLogprob } from '#contract/inference.ts'
import type { EnginePriority } from '#core/engine/engine.port.ts'

import type { EngineJob } from './engine-job.ts'

export interface Sequence {
  readonly job: EngineJob
  readonly priority: EnginePriority
  /** Order of submission. */
  readonly arrival: number
  /** Monotonic ms. */
  readonly arrivedAt: number
  /** Monotonic ms; null for no deadline. */
  readonly deadlineAt: number | null
  /** -1 while it waits. */
  slot: number
  /** Tokens of this job in the slot's KV cache: the prompt first, then the output. */
  kvTokens: number
  /** The sampled token that the next step decodes. Null during prefill. */
  nextToken: number | null
  /** Prompt tokens that the step being planned evaluates. */
  prefillTokens: number
  /** Another job that prefills the same prefix now: this one waits for it and copies. */
  leader: Sequence | null
  /** Length of the prefix to copy from the leader. */
  leaderTarget: number
  /** How far the leader was when last looked at. */
  leaderProgress: number
  /** Steps in a row in which the leader made no progress. */
  idleSteps: number
  cancelled: boolean
  /** Done, failed or cancelled; its slot is free again. */
  finished: boolean
  usage: EngineUsage
  firstTextAt: number | null
  /** Text not yet sent; never more than the job's tokens make. */
  pendingText: string
  pendingLogprobs: TokenLogprob[]
}

export type Arrival = Pick<Sequence, 'job' | 'priority' | 'arrival' | 'arrivedAt' | 'deadlineAt'>

export const createSequence = (arrival: Arrival): Sequence => ({
  ...arrival,
  slot: -1,
  kvTokens: 0,
  nextToken: null,
  prefillTokens: 0,
  leader: null,
  leaderTarget: 0,
  leaderProgress: 0,
  idleSteps: 0,
  cancelled: false,
  finished: false,
  usage: { promptTokens: arrival.job.prompt.length, cachedTokens: 0, generatedTokens: 0 },
  firstTextAt: null,
  pendingText: '',
  pendingLogprobs: [],
})

/** Prompt tokens still to be evaluated. */
export const promptTokensLeft = ({ job, kvTokens, nextToken }: Sequence): number =>
  nextToken === null ? job.prompt.length - kvTokens : 0
/** Output tokens it may still generate. */
export const outputTokensLeft = ({ job, usage }: Sequence): number => job.maxTokens - usage.generatedTokens
