/** Buyers that keep buying streamed completions until told to stop, counting what happens to them. */
import { EventSourceParserStream } from 'eventsource-parser/stream'

import { examItem, FAMILIES } from '#exam/generate-items.ts'

export interface Buyers {
  /** Answers that came to their end, with usage. */
  finished(): number
  /** Purchases that ended in any error. */
  failed(): number
  /** Resolves when this many more deltas have arrived since the call. */
  deltas(count: number): Promise<void>
  /** Resolves when this many more purchases have finished since the call. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

export interface BuyersOptions {
  /** Asked for every purchase: an exchange may come back elsewhere. */
  exchangeUrl: () => string
  key: string
  instrument?: string
  atOnce: number
  seed: string
}

interface Waiter {
  left: number
  resolve: () => void
}

function counter(): { add: () => void; wait: (count: number) => Promise<void>; total: () => number } {
  const waiters = new Set<Waiter>()
  let total = 0
  return {
    add() {
      total += 1
      for (const waiter of waiters) {
        waiter.left -= 1
        if (waiter.left > 0) continue
        waiters.delete(waiter)
        waiter.resolve()
      }
    },
    wait: (count) => new Promise((resolve) => waiters.add({ left: count, resolve })),
    total: () => total,
  }
}

const PAUSE_AFTER_ERROR_MS = 50

export function startBuyers({
  exchangeUrl,
  key,
  instrument = 'practice/text-nano',
  atOnce,
  seed,
}: BuyersOptions): Buyers {
  const stopping = new AbortController()
  const [deltas, finished, failed] = [counter(), counter(), counter()]
  let asked = 0

  /** One purchase; true when it came to its end. */
  const purchase = async (): Promise<boolean> => {
    asked += 1
    const { prompt } = examItem(seed, FAMILIES[asked % FAMILIES.length]!, 1, asked)
    const response = await fetch(`${exchangeUrl()}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: instrument,
        messages: [{ role: 'user', content: prompt }],
        max_tokens: 32,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      }),
    })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      return false
    }
    for await (const event of response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream())) {
      if (event.data === '[DONE]') return true
      const chunk = JSON.parse(event.data) as { error?: object; choices?: { delta?: { content?: string } }[] }
      if (chunk.error !== undefined) return false
      if ((chunk.choices?.[0]?.delta?.content ?? '') !== '') deltas.add()
    }
    return false
  }
  const keepBuying = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const done = await purchase().catch(() => false)
      if (done) finished.add()
      else {
        failed.add()
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS))
      }
    }
  }
  const all = Promise.all(Array.from({ length: atOnce }, keepBuying))
  return {
    finished: finished.total,
    failed: failed.total,
    deltas: deltas.wait,
    more: finished.wait,
    async stop() {
      stopping.abort()
      await all
    },
  }
}
