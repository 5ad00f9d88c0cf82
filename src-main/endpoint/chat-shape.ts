/**
 * Wire shapes of chat completions: OpenAI API reference, "The chat completion object" and "The chat completion chunk
 * object".
 */
import type { EngineDone } from '#core/engine/engine.port.ts'
import type { TokenLogprob, ToolCall } from '#contract/inference.ts'

import { finishOf, sse, SSE_DONE, usageOf, type AnswerHead, type AnswerShape } from './answer-shape.ts'

const logprobOf = ({ token, bytes, logprob, top }: TokenLogprob): object => ({
  token,
  logprob,
  bytes,
  top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob, bytes: one.bytes })),
})
const logprobsOf = (list: readonly TokenLogprob[]): object => ({ content: list.map(logprobOf), refusal: null })

const callOf = ({ id, name, arguments: text }: ToolCall): object => ({
  id,
  type: 'function',
  function: { name, arguments: text },
})

export function chatShape(head: AnswerHead, options: { includeUsage: boolean; oneCall: boolean }): AnswerShape {
  const chunkHead = { id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model }
  const usage = options.includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finish: string | null): string =>
    sse({ ...chunkHead, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...usage })
  const before = `data: ${JSON.stringify(chunkHead).slice(0, -1)},"choices":[{"index":0,"delta":{"content":`
  const after = `,"finish_reason":null}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  const plain = `},"logprobs":null${after}`
  const callsOf = ({ toolCalls = [] }: EngineDone): readonly ToolCall[] =>
    options.oneCall ? toolCalls.slice(0, 1) : toolCalls
  const reasonOf = (done: EngineDone): string =>
    callsOf(done).length > 0 && done.finish === 'stop' ? 'tool_calls' : finishOf(done)
  return {
    opening: chunk({ role: 'assistant', content: '' }, null),
    delta: (text, logprobs) =>
      before +
      JSON.stringify(text) +
      (logprobs === undefined ? plain : `},"logprobs":${JSON.stringify(logprobsOf(logprobs))}${after}`),
    ending(done) {
      const calls = callsOf(done)
      return (
        (calls.length === 0
          ? ''
          : chunk({ tool_calls: calls.map((call, index) => ({ index, ...callOf(call) })) }, null)) +
        chunk({}, reasonOf(done)) +
        (options.includeUsage ? sse({ ...chunkHead, choices: [], usage: usageOf(done.usage) }) : '') +
        SSE_DONE
      )
    },
    whole({ text, logprobs, done }) {
      const calls = callsOf(done)
      const message = {
        role: 'assistant',
        content: text === '' && calls.length > 0 ? null : text,
        refusal: null,
        ...(calls.length > 0 ? { tool_calls: calls.map(callOf) } : {}),
      }
      return {
        id: head.id,
        object: 'chat.completion',
        created: head.created,
        model: head.model,
        choices: [
          {
            index: 0,
            message,
            logprobs: logprobs === null ? null : logprobsOf(logprobs),
            finish_reason: reasonOf(done),
          },
        ],
        usage: usageOf(done.usage),
      }
    },
  }
}
