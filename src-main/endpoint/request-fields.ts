/**
 * Fields that chat completions and completions share. Unknown fields are ignored, because chat clients send many of their
 * own; known ones of a wrong type or out of bounds are refused by name. `null` means absent, as with OpenAI's own server. Names beyond OpenAI's are llama-server's (top_k, min_p, repeat_penalty, repeat_last_n, ignore_eos)
 * and vLLM's (repetition_penalty).
 */
import { z } from 'zod'

import { LOGIT_BIAS_MAX, STOPS_MAX, type EngineRequest } from '#contract/inference.ts'
import { invalid, type ApiFailure } from '#lib/openai-error.ts'

import { LIMITS } from './endpoint-limits.ts'

/**
 * llama-server's own defaults: greedy answers of small models repeat themselves, and this endpoint is for chatting with
 * them.
 */
const DEFAULTS = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 } as const

const penalty = z.number().min(-2).max(2).nullish()
const repeat = z.number().min(0.01).max(2).nullish()
const stopText = z.string().max(256)
/** llama-server writes -1 for no limit. */
const limit = z.union([z.literal(-1).transform(() => null), z.number().int().min(1)], 'a whole number from 1').nullish()

export const shared = {
  model: z.string().min(1).max(256),
  max_tokens: limit,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(-1).max(1_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  repeat_penalty: repeat,
  repetition_penalty: repeat,
  repeat_last_n: z.number().int().min(-1).max(4_096).nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, 'keys are token ids'), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= LOGIT_BIAS_MAX, `at most ${LOGIT_BIAS_MAX} tokens`)
    .nullish(),
  stop: z
    .union(
      [stopText.transform((one) => [one]), z.array(stopText).max(STOPS_MAX)],
      `a text or up to ${STOPS_MAX} texts of at most 256 characters`,
    )
    .nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, 'one answer a request; send it again for another').nullish(),
  ignore_eos: z.boolean().nullish(),
}
export const maxTokens = limit

const sharedFields = z.object(shared)
export type SharedFields = z.infer<typeof sharedFields>

/** A parsed request without its length; `maxTokens` null lets the answer fill the context. */
export interface Asked {
  model: string
  request: Omit<EngineRequest, 'maxTokens'>
  maxTokens: number | null
  stream: boolean
  includeUsage: boolean
}

/** Sampling, stop strings and the other shared fields as the engine's request has them. */
export function engineFields(asked: SharedFields): Pick<EngineRequest, 'sampling' | 'stop' | 'ignoreEos'> {
  const repeatPenalty = asked.repeat_penalty ?? asked.repetition_penalty ?? null
  const {
    seed,
    frequency_penalty: frequency,
    presence_penalty: presence,
    repeat_last_n: last,
    logit_bias: bias,
  } = asked
  return {
    sampling: {
      temperature: asked.temperature ?? DEFAULTS.temperature,
      topP: asked.top_p ?? DEFAULTS.topP,
      topK: Math.max(0, asked.top_k ?? DEFAULTS.topK),
      minP: asked.min_p ?? DEFAULTS.minP,
      // Many clients send -1 for a random seed; the engine takes 32 bits.
      ...(typeof seed === 'number' && seed !== -1 ? { seed: seed >>> 0 } : {}),
      ...(repeatPenalty === null ? {} : { repeatPenalty }),
      ...(typeof frequency === 'number' ? { frequencyPenalty: frequency } : {}),
      ...(typeof presence === 'number' ? { presencePenalty: presence } : {}),
      ...(typeof last === 'number' ? { penaltyTokens: last === -1 ? 4_096 : last } : {}),
      ...(bias === undefined || bias === null ? {} : { logitBias: bias }),
    },
    stop: (asked.stop ?? []).filter((text) => text !== ''),
    ignoreEos: asked.ignore_eos === true,
  }
}

/** Parses with a schema; the first problem becomes a 400 that names its field and never repeats its value. */
export function parseFields<Out>(schema: z.ZodType<Out>, body: Record<string, unknown>): Out {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw fromIssue(parsed.error)
}

function fromIssue(error: z.ZodError): ApiFailure {
  const issue = error.issues[0]
  const param = issue?.path.join('.').slice(0, 100) ?? ''
  return invalid(
    `${param === '' ? 'the request' : param} is not valid: ${issue?.message ?? 'unknown problem'}`,
    param === '' ? null : param,
    'invalid_value',
  )
}

/** Refuses a JSON schema nested so deep that a recursive reader could exhaust its stack. */
export function checkDepth(value: unknown, param: string): void {
  const levels: unknown[][] = [[value]]
  while (levels.length > 0) {
    const level = levels.at(-1)!
    if (level.length === 0) {
      levels.pop()
      continue
    }
    const next = level.pop()
    if (typeof next !== 'object' || next === null) continue
    if (levels.length > LIMITS.depth)
      throw invalid(`${param} is nested more than ${LIMITS.depth} levels deep`, param, 'invalid_value')
    levels.push(Object.values(next))
  }
}
