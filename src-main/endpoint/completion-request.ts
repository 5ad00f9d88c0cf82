/**
 * POST /v1/completions: text to continue, without the chat template. Field names: OpenAI API reference, "Create
 * completion" (legacy).
 */
import { z } from 'zod'

import { LOGPROBS_MAX, MESSAGE_BYTES_MAX } from '#contract/inference.ts'

import { engineFields, parseFields, shared, type Asked } from './request-fields.ts'

const text = z.string().min(1).max(MESSAGE_BYTES_MAX)
const off = (what: string) => z.union([z.literal(false), z.literal(''), z.null()], what).optional()

const completionRequest = z.object({
  ...shared,
  prompt: z.union(
    [text, z.tuple([text]).transform(([only]) => only)],
    `one text of 1 to ${MESSAGE_BYTES_MAX} characters (a list may hold one; token ids are not taken)`,
  ),
  logprobs: z.number().int().min(0).max(LOGPROBS_MAX).nullish(),
  best_of: z.literal(1, 'one answer a request').nullish(),
  echo: off('the prompt is not repeated'),
  suffix: off('filling in the middle is not supported'),
})

/** Throws ApiFailure 400 with the offending field. */
export function parseCompletion(body: Record<string, unknown>): Asked {
  const asked = parseFields(completionRequest, body)
  return {
    model: asked.model,
    request: {
      messages: [],
      prompt: asked.prompt,
      ...engineFields(asked),
      ...(typeof asked.logprobs === 'number' ? { logprobs: asked.logprobs } : {}),
    },
    maxTokens: asked.max_tokens ?? null,
    stream: asked.stream === true,
    includeUsage: asked.stream_options?.include_usage === true,
  }
}
