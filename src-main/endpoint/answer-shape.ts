/**
 * What an answer looks like on the wire. Streams are made of texts, not objects: everything of a delta but its text is
 * built once a request.
 */
import type { EngineDone } from '#core/engine/engine.port.ts'
import type { EngineUsage, TokenLogprob } from '#contract/inference.ts'

export interface Head {
  id: string
  /** Unix seconds. */
  created: number
  model: string
}

export interface Answer {
  text: string
  logprobs: readonly TokenLogprob[] | null
  done: EngineDone
}

export interface Shape {
  /** Sent with the first delta. */
  readonly opening: string
  delta(text: string, logprobs: readonly TokenLogprob[] | undefined): string
  /** Last events, `[DONE]` included. */
  ending(done: EngineDone): string
  /** The answer in one piece. */
  whole(answer: Answer): object
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

/** A cancelled answer has nobody to read it; `length` is then as true as `stop`. */
export const finishOf = ({ finish }: EngineDone): 'stop' | 'length' => (finish === 'stop' ? 'stop' : 'length')
