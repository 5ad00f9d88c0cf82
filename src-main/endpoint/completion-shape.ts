/** Wire shapes of completions: OpenAI API reference, "The completion object" (legacy). */
import type { TokenLogprob } from '#contract/inference.ts'

import { finishOf, sse, SSE_DONE, usageOf, type AnswerHead, type AnswerShape } from './answer-shape.ts'

export function completionShape(head: AnswerHead, options: { includeUsage: boolean }): AnswerShape {
  const base = { id: head.id, object: 'text_completion', created: head.created, model: head.model }
  const before = `data: ${JSON.stringify(base).slice(0, -1)},"choices":[{"index":0,"text":`
  const after = `,"finish_reason":null}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  const plain = `,"logprobs":null${after}`
  /** Position of the next token in the answer, in characters. */
  let offset = 0
  const logprobsOf = (list: readonly TokenLogprob[]): object => {
    const offsets = list.map(({ token }) => {
      const at = offset
      offset += token.length
      return at
    })
    return {
      tokens: list.map(({ token }) => token),
      token_logprobs: list.map(({ logprob }) => logprob),
      top_logprobs: list.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
      text_offset: offsets,
    }
  }
  return {
    opening: '',
    delta: (text, logprobs) =>
      before +
      JSON.stringify(text) +
      (logprobs === undefined ? plain : `,"logprobs":${JSON.stringify(logprobsOf(logprobs))}${after}`),
    ending: (done) =>
      sse({
        ...base,
        choices: [{ index: 0, text: '', logprobs: null, finish_reason: finishOf(done) }],
        ...(options.includeUsage ? { usage: null } : {}),
      }) +
      (options.includeUsage ? sse({ ...base, choices: [], usage: usageOf(done.usage) }) : '') +
      SSE_DONE,
    whole: ({ text, logprobs, done }) => ({
      ...base,
      choices: [
        { index: 0, text, logprobs: logprobs === null ? null : logprobsOf(logprobs), finish_reason: finishOf(done) },
      ],
      usage: usageOf(done.usage),
    }),
  }
}
