/**
 * One request to a model, as it travels from buyer to exchange to seller to engine. Bounds are the protocol's; a grade
 * may be tighter.
 */
import { z } from 'zod'

export const MESSAGES_MAX = 256
export const MESSAGE_BYTES_MAX = 1_048_576
export const STOPS_MAX = 16

export const chatMessage = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string().max(MESSAGE_BYTES_MAX),
})
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

export const TOOLS_MAX = 64
export const LOGIT_BIAS_MAX = 300
export const LOGPROBS_MAX = 20
export const CACHE_SCOPE_MAX = 64
/** `cacheScope` of whatever the owner asks on the own-use endpoint. */
export const OWNER_SCOPE = 'owner'

/** A call of a tool, as the model asks for it; `arguments` is the JSON text as generated. */
export const toolCall = z.object({
  id: z.string().min(1).max(64),
  name: z.string().min(1).max(64),
  arguments: z.string().max(MESSAGE_BYTES_MAX),
})
export type ToolCall = z.infer<typeof toolCall>

/**
 * A tool the model may call; `parameters` is a JSON schema. Source of the shape: OpenAI API reference, "function
 * tools".
 */
export const toolDefinition = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  description: z.string().max(16_384).default(''),
  parameters: z.record(z.string(), z.unknown()).default({}),
})
export type ToolDefinition = z.infer<typeof toolDefinition>

/** A message of the owner's own use: like a chat message, and the calls and answers of tools. */
export const engineMessage = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().max(MESSAGE_BYTES_MAX),
  toolCalls: z.array(toolCall).max(TOOLS_MAX).optional(),
  toolCallId: z.string().max(64).optional(),
})
export type EngineMessage = z.infer<typeof engineMessage>

/**
 * What one engine can be asked. A request bought on an exchange (InferenceRequest) is one; the rest is for the owner's
 * own use.
 */
export const engineRequest = inferenceRequest.extend({
  /** May be empty when `prompt` is there. */
  messages: z.array(engineMessage).max(MESSAGES_MAX),
  /** Text to go on with, without the chat template (completions); instead of messages. */
  prompt: z.string().min(1).max(MESSAGE_BYTES_MAX).optional(),
  sampling: sampling
    .extend({
      /**
       * 1 is off. llama.cpp's repeat penalty over the last `penaltyTokens`; much less than the minimum is 0 to it, and
       * no number comes out.
       */
      repeatPenalty: z.number().min(0.01).max(2).optional(),
      frequencyPenalty: z.number().min(-2).max(2).optional(),
      presencePenalty: z.number().min(-2).max(2).optional(),
      penaltyTokens: z.number().int().min(0).max(4_096).optional(),
      /** Engine token id to a bias added to its logit; -100 and below is never. */
      logitBias: z
        .record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))
        .refine((bias) => Object.keys(bias).length <= LOGIT_BIAS_MAX, `at most ${LOGIT_BIAS_MAX} tokens`)
        .optional(),
    })
    .default({ temperature: 0, topP: 1, topK: 40, minP: 0 }),
  /** Any JSON object, without a schema. */
  jsonObject: z.boolean().optional(),
  tools: z.array(toolDefinition).max(TOOLS_MAX).optional(),
  /** Default `auto` when there are tools. A name means that tool and no other. */
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string().max(64) })]).optional(),
  /** Log-probabilities of each generated token and of so many alternatives. */
  logprobs: z.number().int().min(0).max(LOGPROBS_MAX).optional(),
  /**
   * Prefixes are reused inside one scope only: OWNER_SCOPE for the owner's own use, on an exchange its daily HMAC of the
   * buyer. Without one nothing is shared with any other request.
   */
  cacheScope: z.string().min(1).max(CACHE_SCOPE_MAX).optional(),
})
export type EngineRequest = z.infer<typeof engineRequest>

/** Natural logarithms. `bytes` of the token's own text, which need not be whole UTF-8. */
export interface TokenLogprob {
  token: string
  bytes: number[]
  logprob: number
  top: { token: string; bytes: number[]; logprob: number }[]
}

/** The engine's own counts: cost data, never billed. */
export interface EngineUsage {
  promptTokens: number
  cachedTokens: number
  generatedTokens: number
}
