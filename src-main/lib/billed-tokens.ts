/** What protocol 2 bills of a request: docs/protocol.md, Ground rules. */
import { billedInput, inputTokens } from '#contract/bytes4.ts'
import type { EngineMessage } from '#contract/inference.ts'

import { canonicalJson } from './canonical.ts'

interface Billable {
  messages: readonly EngineMessage[]
  prompt?: string | undefined
  suffix?: string | undefined
  tools?: readonly unknown[] | undefined
  jsonSchema?: Record<string, unknown> | undefined
}

/** Reference tokens of the input: contents, then the canonical JSON of tools, of each message's calls, of the schema. */
export function requestTokens({ messages, prompt = '', suffix = '', tools, jsonSchema }: Billable): number {
  const texts = [...messages.map(({ content }) => content), prompt, suffix]
  return billedInput(texts, [tools, ...messages.map(({ toolCalls }) => toolCalls), jsonSchema], canonicalJson)
}

/** The same under either version: version 1 counts message contents alone. */
export const inputTokensOf = (protocol: 1 | 2, request: Billable): number =>
  protocol === 1 ? inputTokens(request.messages) : requestTokens(request)
