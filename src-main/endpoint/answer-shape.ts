/**
 * The wire format of an answer. Stream chunks are built as strings, not objects: all of a chunk except its text is
 * serialised once a request.
 */
import type { EngineDone } from '#core/engine/engine.port.ts'
import type { EngineUsage, TokenLogprob } from '#contract/inference.ts'

export interface AnswerHead {
  id: string
  /** Unix seconds. */
  created: number
  model: string
}

export interface WholeAnswer {
  text: string
  logprobs: readonly TokenLogprob[] | null
  done: EngineDone
}

export interface AnswerShape {
  /** Sent before the first delta. */
  readonly opening: string
  delta(text: string, logprobs: readonly TokenLogprob[] | undefined): string
  /** Last events, `[DONE]` included. */
  ending(done: EngineDone): string
  /** The answer without streaming. */
  whole(answer: WholeAnswer): object
}

export const sse = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
export const SSE_DONE = 'data: [DONE]\n\n'

/** The engine's own counts; `cached_tokens` of the prompt were not evaluated again. */
export const usageOf = ({ promptTokens, cachedTokens, generatedTokens }: EngineUsage): object => ({
  prompt_tokens: promptTokens,
  completion_tokens: generatedTokens,
  total_tokens: promptTokens + generatedTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
})

/** A cancelled answer has no reader: it may be either. */
export const finishOf = ({ finish }: EngineDone): 'stop' | 'length' => (finish === 'stop' ? 'stop' : 'length')
