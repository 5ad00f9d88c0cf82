/** Wire shapes of completions: OpenAI API reference, "The chat completion object" and "… chunk object". */
import type { Delivered } from '../jobs/routed-job.ts'

export interface CompletionHead {
  id: string
  created: number
  model: string
}

const usageOf = ({ inputTokens, outputTokens }: Delivered): object => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})
const finishOf = ({ finish }: Delivered): 'stop' | 'length' => (finish === 'length' ? 'length' : 'stop')

export const completion = (head: CompletionHead, delivered: Delivered): object => ({
  id: head.id,
  object: 'chat.completion',
  created: head.created,
  model: head.model,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: delivered.text, refusal: null },
      logprobs: null,
      finish_reason: finishOf(delivered),
    },
  ],
  usage: usageOf(delivered),
})

/** One server-sent event. */
export const event = (value: object | '[DONE]'): string =>
  `data: ${value === '[DONE]' ? value : JSON.stringify(value)}\n\n`

const chunk = (head: CompletionHead, delta: object, finish: string | null, includeUsage: boolean): object => ({
  id: head.id,
  object: 'chat.completion.chunk',
  created: head.created,
  model: head.model,
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...(includeUsage ? { usage: null } : {}),
})

export const roleEvent = (head: CompletionHead, includeUsage: boolean): string =>
  event(chunk(head, { role: 'assistant', content: '', refusal: null }, null, includeUsage))
export const textEvent = (head: CompletionHead, text: string, includeUsage: boolean): string =>
  event(chunk(head, { content: text }, null, includeUsage))
export const endEvents = (head: CompletionHead, delivered: Delivered, includeUsage: boolean): string =>
  event(chunk(head, {}, finishOf(delivered), includeUsage)) +
  (includeUsage
    ? event({
        id: head.id,
        object: 'chat.completion.chunk',
        created: head.created,
        model: head.model,
        choices: [],
        usage: usageOf(delivered),
      })
    : '') +
  event('[DONE]')
