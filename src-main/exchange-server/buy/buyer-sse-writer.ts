/**
 * The body of a streamed answer. A reader that is slow only fills this buffer, which the job's bound on text bounds in
 * turn: suppliers are never held up by it and its time never counts against them. A reader that takes nothing for a
 * minute is cut off.
 */
import type { Clock } from '#contract/time.ts'

import { after } from '../exchange-clocks.ts'
import { LIMITS } from '../exchange-limits.ts'

export interface BuyerSseWriter {
  body: ReadableStream<Uint8Array>
  write(text: string): void
  end(): void
}

/** `onGone` runs once when the reader leaves or stalls before the end. */
export function createBuyerSseWriter(clock: Clock, onGone: () => void): BuyerSseWriter {
  const encoder = new TextEncoder()
  const queue: string[] = []
  let [ended, closed] = [false, false]
  let wake: (() => void) | null = null
  let stopStall: () => void = () => undefined

  const gone = (): void => {
    if (closed) return
    closed = true
    queue.length = 0
    stopStall()
    wake?.()
    onGone()
  }
  const watch = (): void => {
    stopStall()
    stopStall = after(clock, LIMITS.readerStallMs, () => {
      if (queue.length > 0) gone()
    })
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        stopStall()
        if (queue.length === 0 && !ended && !closed) await new Promise<void>((resolve) => (wake = resolve))
        wake = null
        if (queue.length > 0) {
          controller.enqueue(encoder.encode(queue.splice(0).join('')))
          watch()
        }
        if (closed || (ended && queue.length === 0)) {
          stopStall()
          const finished = ended && !closed
          closed = true
          if (finished) controller.close()
          else controller.error(new Error('the reader was too slow'))
        }
      },
      cancel: gone,
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    write(text) {
      if (closed || ended) return
      if (queue.length === 0) watch()
      queue.push(text)
      wake?.()
    },
    end() {
      ended = true
      wake?.()
    },
  }
}
