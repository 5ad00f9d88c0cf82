/**
 * A request as the OpenAI API defines it, with the additional fields that some servers know. Source: OpenAI API reference;
 * llama-server's README; vLLM's "extra parameters".
 */
import type { EngineMessage, EngineRequest } from '#contract/inference.ts'

import type { Dialect } from './describe-server.ts'

type Body = Record<string, unknown>

function messageOf({ role, content, toolCalls, toolCallId }: EngineMessage): Body {
  if (role === 'tool') return { role, content, tool_call_id: toolCallId ?? '' }
  if (toolCalls === undefined || toolCalls.length === 0) return { role, content }
  return {
    role,
    content: content === '' ? null : content,
    tool_calls: toolCalls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    })),
  }
}

function samplingOf({ sampling, ignoreEos }: EngineRequest, dialect: Dialect): Body {
  const {
    temperature,
    topP,
    topK,
    minP,
    seed,
    repeatPenalty,
    frequencyPenalty,
    presencePenalty,
    penaltyTokens,
    logitBias,
  } = sampling
  const plain: Body = {
    temperature,
    top_p: topP,
    seed,
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
    logit_bias: logitBias,
  }
  if (dialect === 'plain') return plain
  // 0 asks for the engine's own cap; for these servers it means no limit.
  const more: Body = {
    ...plain,
    top_k: topK === 0 ? undefined : topK,
    min_p: minP,
    ...(ignoreEos ? { ignore_eos: true } : {}),
  }
  return dialect === 'llama'
    ? { ...more, repeat_penalty: repeatPenalty, repeat_last_n: penaltyTokens }
    : { ...more, repetition_penalty: repeatPenalty }
}

function formatOf({ jsonSchema, jsonObject }: EngineRequest): Body {
  if (jsonSchema !== undefined)
    return {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: jsonSchema } },
    }
  return jsonObject === true ? { response_format: { type: 'json_object' } } : {}
}

function toolsOf({ tools, toolChoice }: EngineRequest): Body {
  if (tools === undefined || tools.length === 0) return {}
  const choice = typeof toolChoice === 'object' ? { type: 'function', function: { name: toolChoice.name } } : toolChoice
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      type: 'function',
      function: { name, description, parameters },
    })),
    tool_choice: choice,
  }
}

export interface BodyOptions {
  model: string
  dialect: Dialect
  /** Off: llama-server is asked not to use its prompt cache. */
  prefixReuse: boolean
}

/** The path and body to post; undefined fields are not sent. */
export function bodyOf(
  request: EngineRequest,
  { model, dialect, prefixReuse }: BodyOptions,
): { path: string; body: Body } {
  const { prompt, messages, maxTokens, stop, logprobs } = request
  const shared: Body = {
    model,
    max_tokens: maxTokens,
    ...samplingOf(request, dialect),
    ...(stop.length > 0 ? { stop } : {}),
    ...formatOf(request),
    stream: true,
    stream_options: { include_usage: true },
    ...(dialect === 'llama' && !prefixReuse ? { cache_prompt: false } : {}),
  }
  if (prompt !== undefined) return { path: '/v1/completions', body: { ...shared, prompt, logprobs } }
  // llama-server reports none at all for 0 alternatives; one too many is dropped on arrival.
  const probabilities = logprobs === undefined ? {} : { logprobs: true, top_logprobs: Math.max(1, logprobs) }
  return {
    path: '/v1/chat/completions',
    body: { ...shared, messages: messages.map(messageOf), ...toolsOf(request), ...probabilities },
  }
}
