/** One purchase as any buyer makes it: a streamed completion over the exchange's HTTP API. */
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { z } from 'zod'

import { fail } from '#contract/errors.ts'

/** The practice grades answer with far less; a stream that goes on is a fault. */
const EVENTS_MAX = 10_000
const CALL_TIMEOUT_MS = 600_000

const chunk = z.object({
  id: z.string().optional(),
  choices: z
    .array(z.object({ delta: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }))
    .default([]),
  usage: z.object({ prompt_tokens: z.number().int(), completion_tokens: z.number().int() }).nullish(),
  error: z.object({ message: z.string() }).optional(),
})

export interface Purchase {
  text: string
  tokensIn: number
  tokensOut: number
  /** From sending the request to the first text, and to the end; milliseconds. */
  ttftMs: number
  durationMs: number
}

export interface BuyOptions {
  exchangeUrl: string
  key: string
  instrument: string
  prompt: string
  maxTokens: number
}

/**
 * Buys one greedy completion. Error: EXCHANGE_REFUSED with the exchange's own words, also when the stream ends without
 * usage.
 */
export async function buy({ exchangeUrl, key, instrument, prompt, maxTokens }: BuyOptions): Promise<Purchase> {
  const sentAt = performance.now()
  const response = await fetch(`${exchangeUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: instrument,
      messages: [{ role: 'user', content: prompt }],
      max_tokens: maxTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  if (!response.ok || response.body === null)
    throw fail('demo.http', { status: response.status, body: (await response.text()).slice(0, 300) })
  let [text, ttftMs, events] = ['', 0, 0]
  let usage: { prompt_tokens: number; completion_tokens: number } | null = null
  for await (const event of response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())) {
    events += 1
    if (event.data === '[DONE]' || events > EVENTS_MAX) break
    const part = chunk.parse(JSON.parse(event.data))
    if (part.error !== undefined) throw fail('demo.answerEnded', { reason: part.error.message })
    const content = part.choices[0]?.delta.content ?? ''
    if (content !== '' && text === '') ttftMs = performance.now() - sentAt
    text += content
    usage = part.usage ?? usage
  }
  if (usage === null) throw fail('demo.noBill')
  return {
    text,
    tokensIn: usage.prompt_tokens,
    tokensOut: usage.completion_tokens,
    ttftMs,
    durationMs: performance.now() - sentAt,
  }
}
