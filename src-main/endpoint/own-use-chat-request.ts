/**
 * POST /v1/chat/completions as chat clients send it, turned into the engine's request. Field names: OpenAI API
 * reference, "Create chat completion".
 */
import { z } from 'zod'

import {
  LOGPROBS_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGES_MAX,
  toolDefinition,
  TOOLS_MAX,
  type EngineMessage,
  type EngineRequest,
} from '#contract/inference.ts'
import { invalid } from '#lib/openai-error.ts'

import { checkDepth, engineFields, maxTokens, parseFields, shared, type Asked } from './request-fields.ts'

const PARTS_MAX = 1_024

/** The text of a content part; any other type of part is refused by its name, because these models read text only. */
const part = z
  .object({ type: z.string().max(64), text: z.string().optional(), refusal: z.string().optional() })
  .transform(({ type, text, refusal }, context) => {
    if ((type === 'text' || type === 'input_text') && text !== undefined) return text
    if (type === 'refusal' && refusal !== undefined) return refusal
    context.addIssue({
      code: 'custom',
      message: type === 'text' ? 'a text part needs its text' : `this model reads text only, not ${type}`,
    })
    return z.NEVER
  })
const content = z.preprocess(
  (value) => (typeof value === 'string' ? [{ type: 'text', text: value }] : (value ?? [])),
  z
    .array(part, 'a text or a list of text parts')
    .max(PARTS_MAX)
    .transform((parts) => parts.join(''))
    .refine((text) => text.length <= MESSAGE_BYTES_MAX, `at most ${MESSAGE_BYTES_MAX} characters`),
)
const call = z
  .object({
    id: z.string().min(1).max(64),
    function: z.object({ name: z.string().min(1).max(64), arguments: z.string().max(MESSAGE_BYTES_MAX) }),
  })
  .transform(({ id, function: { name, arguments: text } }) => ({ id, name, arguments: text }))
const message = z
  .object({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content,
    tool_calls: z.array(call).max(TOOLS_MAX).nullish(),
    tool_call_id: z.string().max(64).nullish(),
  })
  .transform(({ role, content: text, tool_calls: toolCalls, tool_call_id: toolCallId }): EngineMessage => ({
    role: role === 'developer' ? 'system' : role,
    content: text,
    ...(toolCalls === undefined || toolCalls === null || toolCalls.length === 0 ? {} : { toolCalls }),
    ...(toolCallId === undefined || toolCallId === null ? {} : { toolCallId }),
  }))

const tool = z.object({
  type: z.literal('function', 'only function tools'),
  function: toolDefinition.extend({
    description: z.string().max(16_384).nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
})
const named = z.object({ type: z.literal('function'), function: z.object({ name: z.string().max(64) }) })
const choice = z.union(
  [z.enum(['auto', 'none', 'required']), named],
  'auto, none, required, or one function by its name',
)
const schema = z.record(z.string(), z.unknown())
const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object'), schema: schema.nullish() }),
  z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema }) }),
])
const absent = (what: string) => z.union([z.null(), z.array(z.never()), z.literal('none')], what).optional()

const chatRequest = z.object({
  ...shared,
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  max_completion_tokens: maxTokens,
  response_format: format.nullish(),
  tools: z.array(tool).max(TOOLS_MAX).nullish(),
  tool_choice: choice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(LOGPROBS_MAX).nullish(),
  modalities: z.array(z.literal('text', 'only text')).nullish(),
  functions: absent('use tools instead'),
  function_call: absent('use tool_choice instead'),
})
type ChatFields = z.infer<typeof chatRequest>

export interface AskedChat extends Asked {
  /** At most one tool call is passed on. */
  oneCall: boolean
}

/** Throws ApiFailure 400 with the offending field. */
export function parseChat(body: Record<string, unknown>): AskedChat {
  const asked = parseFields(chatRequest, body)
  return {
    model: asked.model,
    request: {
      messages: asked.messages,
      ...engineFields(asked),
      ...formatOf(asked),
      ...toolsOf(asked),
      ...(asked.logprobs === true ? { logprobs: asked.top_logprobs ?? 0 } : {}),
    },
    maxTokens: asked.max_completion_tokens ?? asked.max_tokens ?? null,
    stream: asked.stream === true,
    includeUsage: asked.stream_options?.include_usage === true,
    oneCall: asked.parallel_tool_calls === false,
  }
}

function formatOf({ response_format: wanted }: ChatFields): Pick<EngineRequest, 'jsonSchema' | 'jsonObject'> {
  if (wanted === undefined || wanted === null || wanted.type === 'text') return {}
  const jsonSchema = wanted.type === 'json_schema' ? wanted.json_schema.schema : wanted.schema
  if (jsonSchema === undefined || jsonSchema === null) return { jsonObject: true }
  checkDepth(jsonSchema, 'response_format')
  return { jsonSchema }
}

function toolsOf({ tools, tool_choice: wanted }: ChatFields): Pick<EngineRequest, 'tools' | 'toolChoice'> {
  const list = tools ?? []
  if (list.length === 0) {
    if (wanted === undefined || wanted === null || wanted === 'auto' || wanted === 'none') return {}
    throw invalid('tool_choice asks for a tool and there are none in tools', 'tool_choice', 'invalid_value')
  }
  checkDepth(
    list.map((one) => one.function.parameters),
    'tools',
  )
  const toolChoice = typeof wanted === 'object' && wanted !== null ? { name: wanted.function.name } : (wanted ?? 'auto')
  if (typeof toolChoice === 'object' && !list.some((one) => one.function.name === toolChoice.name))
    throw invalid('tool_choice names a function that is not in tools', 'tool_choice', 'invalid_value')
  return {
    tools: list.map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? '',
      parameters: parameters ?? {},
    })),
    toolChoice,
  }
}
