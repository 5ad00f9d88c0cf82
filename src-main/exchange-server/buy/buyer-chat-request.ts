/**
 * POST /v1/chat/completions as OpenAI clients send it, turned into the protocol's request. What this exchange cannot do
 * is refused by name, never silently dropped. Field names: OpenAI API reference, Chat Completions.
 */
import { z } from 'zod'

import { inputTokens } from '#contract/bytes4.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { inferenceRequest, MESSAGES_MAX, STOPS_MAX, type InferenceRequest } from '#contract/inference.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { invalid } from '#lib/openai-error.ts'

import { beyondContext, unknownModel } from './buyer-errors.ts'

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })
const content = z.union([
  z.string(),
  z
    .array(textPart)
    .max(MESSAGES_MAX)
    .transform((parts) => parts.map((part) => part.text).join('')),
  z.null().transform(() => ''),
])
const role = z
  .enum(['system', 'developer', 'user', 'assistant'])
  .transform((name) => (name === 'developer' ? 'system' : name))
const message = z
  .looseObject({ role, content, name: z.string().max(64).optional() })
  .transform(({ role: from, content: text }) => ({ role: from, content: text }))
const jsonFormat = z.strictObject({
  type: z.literal('json_schema'),
  json_schema: z.looseObject({ name: z.string().max(64).optional(), schema: z.record(z.string(), z.unknown()) }),
})
const format = z.union([
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  jsonFormat,
])
const ignored = z.unknown().optional()
const off = z.union([z.literal(0), z.literal(false), z.null(), z.array(z.never()), z.strictObject({})]).optional()

/** `null` means absent, as OpenAI's own server takes it. */
const chatRequest = z.strictObject({
  model: z.string().max(200),
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(0).max(1_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  stop: z
    .union([
      z
        .string()
        .min(1)
        .max(256)
        .transform((one) => [one]),
      z.array(z.string().min(1).max(256)).max(STOPS_MAX),
    ])
    .nullish(),
  response_format: format.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  n: z.literal(1).nullish(),
  frequency_penalty: off,
  presence_penalty: off,
  logprobs: off,
  logit_bias: off,
  top_logprobs: off,
  user: ignored,
  metadata: ignored,
  store: ignored,
  service_tier: ignored,
  safety_identifier: ignored,
  prompt_cache_key: ignored,
  parallel_tool_calls: ignored,
})

/** Billed as input by protocol 2, and an engine must compile it. */
const SCHEMA_CHARS_MAX = 16_384

export interface ChatOrder {
  spec: GradeSpec
  request: InferenceRequest
  inputTokens: number
  stream: boolean
  includeUsage: boolean
}

/** Throws ApiFailure: 404 model_not_found, 400 with the offending field, 400 context_length_exceeded. */
export function parseChat(body: Record<string, unknown>, specs: ReadonlyMap<string, GradeSpec>): ChatOrder {
  for (const name of ['tools', 'tool_choice', 'functions', 'function_call']) {
    const value = body[name]
    if (value !== undefined && value !== null && value !== 'none' && !(Array.isArray(value) && value.length === 0))
      throw invalid(
        `${name} is not supported by these grades yet; ask for a JSON schema by response_format instead`,
        name,
        'unsupported_parameter',
      )
  }
  const { tools: _tools, tool_choice: _choice, functions: _functions, function_call: _call, ...rest } = body
  const parsed = chatRequest.safeParse(rest)
  if (!parsed.success) throw fromIssue(parsed.error)
  const asked = parsed.data
  const spec = specs.get(asked.model)
  if (spec === undefined) throw unknownModel(asked.model)
  const input = inputTokens(asked.messages)
  const request = inferenceRequest.safeParse({
    messages: asked.messages,
    maxTokens: maxTokensOf(spec, input, asked.max_completion_tokens ?? asked.max_tokens ?? null),
    sampling: {
      temperature: asked.temperature ?? 0,
      topP: asked.top_p ?? 1,
      topK: asked.top_k ?? 40,
      minP: asked.min_p ?? 0,
      ...(typeof asked.seed === 'number' ? { seed: asked.seed >>> 0 } : {}),
    },
    stop: asked.stop ?? [],
    ...schemaOf(asked.response_format ?? null),
  })
  if (!request.success) throw fromIssue(request.error)
  checkForm(request.data)
  return {
    spec,
    request: request.data,
    inputTokens: input,
    stream: asked.stream === true,
    includeUsage: asked.stream_options?.include_usage === true,
  }
}

/** A request is signed for by the MAC of its canonical form, so one without such a form (RFC 8785) cannot be sold. */
function checkForm(request: InferenceRequest): void {
  const size = (value: unknown, param: string): number => {
    try {
      return canonicalJson(value).length
    } catch {
      throw invalid(
        `${param} holds half a surrogate pair, a number beyond a double, or too deep a nesting; send valid Unicode and plain JSON`,
        param,
        'invalid_value',
      )
    }
  }
  const { jsonSchema = {}, ...rest } = request
  if (size(jsonSchema, 'response_format') > SCHEMA_CHARS_MAX)
    throw invalid(`the JSON schema may have at most ${SCHEMA_CHARS_MAX} characters`, 'response_format', 'invalid_value')
  size(rest, 'messages')
}

function maxTokensOf({ limits, instrument }: GradeSpec, input: number, wanted: number | null): number {
  if (wanted !== null && wanted > limits.outputTokens)
    throw invalid(
      `${instrument} answers with at most ${limits.outputTokens} tokens, not ${wanted}; lower max_tokens`,
      'max_tokens',
      'invalid_value',
    )
  const most = wanted ?? Math.min(limits.outputTokens, limits.contextTokens - input)
  if (most < 1 || input + most > limits.contextTokens)
    throw beyondContext(input, Math.max(1, most), limits.contextTokens)
  return most
}

function schemaOf(wanted: z.infer<typeof format> | null): { jsonSchema?: Record<string, unknown> } {
  if (wanted?.type === 'json_schema') return { jsonSchema: wanted.json_schema.schema }
  return wanted?.type === 'json_object' ? { jsonSchema: { type: 'object' } } : {}
}

/** The first problem, by its field; never the value. */
function fromIssue(error: z.ZodError): Error {
  const issue = error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (unknown !== undefined)
    return invalid(
      `${unknown.slice(0, 64)} is not a parameter this exchange knows`,
      unknown.slice(0, 64),
      'unknown_parameter',
    )
  const param = issue?.path.join('.') ?? ''
  return invalid(
    `${param === '' ? 'the request' : param} is not valid: ${issue?.message ?? 'unknown problem'}`,
    param === '' ? null : param,
    'invalid_value',
  )
}
