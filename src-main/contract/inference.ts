/** One request to a model, as it travels from buyer to exchange to seller to engine. Bounds are the protocol's; a grade may be tighter. */
import { z } from 'zod'

export const MESSAGES_MAX = 256
export const MESSAGE_BYTES_MAX = 1_048_576
export const STOPS_MAX = 16

export const chatMessage = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string().max(MESSAGE_BYTES_MAX) })
export type ChatMessage = z.infer<typeof chatMessage>

export const sampling = z.object({
  /** 0 is greedy. */
  temperature: z.number().min(0).max(2).default(0),
  topP: z.number().gt(0).max(1).default(1),
  /** Always capped by the engine: an uncapped top-k costs up to 100 ms a token at large vocabularies. */
  topK: z.number().int().min(0).max(1_000).default(40),
  minP: z.number().min(0).max(1).default(0),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
})

export const inferenceRequest = z.object({
  messages: z.array(chatMessage).min(1).max(MESSAGES_MAX),
  /** Engine tokens at most; billed output is capped at the same number of reference tokens. */
  maxTokens: z.number().int().min(1).max(131_072),
  sampling: sampling.default({ temperature: 0, topP: 1, topK: 40, minP: 0 }),
  stop: z.array(z.string().min(1).max(256)).max(STOPS_MAX).default([]),
  /** A JSON schema the answer must follow. */
  jsonSchema: z.record(z.string(), z.unknown()).optional(),
  /** Load calls of an exam: keep generating to maxTokens (end-of-generation tokens are masked). */
  ignoreEos: z.boolean().default(false),
})
export type InferenceRequest = z.infer<typeof inferenceRequest>

export type FinishReason = 'stop' | 'length' | 'cancelled'

/** The engine's own counts: cost data, never billed. */
export interface EngineUsage {
  promptTokens: number
  cachedTokens: number
  generatedTokens: number
}
