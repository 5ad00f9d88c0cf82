/**
 * One chunk of a streamed answer, chat and plain completions alike. Source: OpenAI API reference,
 * "chat completion chunk"; unknown fields are ignored.
 */
import { z } from 'zod'

import {
  LOGPROBS_MAX,
  MESSAGE_BYTES_MAX,
  TOOLS_MAX,
  type EngineUsage,
  type FinishReason,
  type TokenLogprob,
} from '#contract/inference.ts'

const LOGPROBS_IN_CHUNK = 4_096
const text = z.string().max(MESSAGE_BYTES_MAX).nullish()
const bytes = z.array(z.number().int().min(0).max(255)).max(1_024).nullish().catch(null)
/** Servers send -inf as a very low number or as null. */
const logarithm = z.number().nullish()
const tokenText = z.string().max(1_024)
const top = z.object({ token: tokenText, logprob: logarithm, bytes })
const chosen = top.extend({
  top_logprobs: z
    .array(top)
    .max(LOGPROBS_MAX + 1)
    .nullish(),
})
const toolDelta = z.object({
  index: z
    .number()
    .int()
    .min(0)
    .max(TOOLS_MAX - 1)
    .nullish(),
  id: z.string().max(256).nullish(),
  function: z.object({ name: z.string().max(256).nullish(), arguments: text }).nullish(),
})
const choice = z.object({
  delta: z
    .object({
      content: text,
      reasoning_content: text,
      reasoning: text.catch(null),
      tool_calls: z.array(toolDelta).max(TOOLS_MAX).nullish(),
    })
    .nullish(),
  text,
  finish_reason: z.string().max(64).nullish(),
  logprobs: z
    .object({ content: z.array(chosen).max(LOGPROBS_IN_CHUNK).nullish() })
    .nullish()
    .catch(null),
})
const count = z.number().int().min(0).max(1_000_000_000)
const usage = z.object({
  prompt_tokens: count,
  completion_tokens: count.nullish().catch(null),
  prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish().catch(null),
})

export const chunk = z.object({
  choices: z.array(choice).max(8).nullish(),
  usage: usage.nullish().catch(null),
  error: z.unknown().optional(),
})
export type ToolDelta = z.infer<typeof toolDelta>

const NEVER = -1e9
const described = ({ token, logprob, bytes }: z.infer<typeof top>) => ({
  token,
  bytes: bytes ?? [...Buffer.from(token)],
  logprob: logprob ?? NEVER,
})

/** Log-probabilities of a choice, with at most `alternatives` each; undefined where it has none. */
export function logprobsOf(streamed: z.infer<typeof choice>, alternatives: number): TokenLogprob[] | undefined {
  const content = streamed.logprobs?.content
  if (content === null || content === undefined || content.length === 0) return undefined
  return content.map((entry) => ({
    ...described(entry),
    top: (entry.top_logprobs ?? []).slice(0, alternatives).map(described),
  }))
}

export function usageOf({
  prompt_tokens,
  completion_tokens,
  prompt_tokens_details,
}: z.infer<typeof usage>): EngineUsage {
  return {
    promptTokens: prompt_tokens,
    generatedTokens: completion_tokens ?? 0,
    cachedTokens: Math.min(prompt_tokens, prompt_tokens_details?.cached_tokens ?? 0),
  }
}

/** Null for a reason that means that the server gave up. */
export function finishOf(reason: string): FinishReason | null {
  if (reason === 'length' || reason === 'max_tokens') return 'length'
  return reason === 'abort' || reason === 'error' ? null : 'stop'
}
