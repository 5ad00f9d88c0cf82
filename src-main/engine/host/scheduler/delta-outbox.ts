/**
 * Text on its way out, gathered over steps: a job's first text goes at once, the rest at most every 15 ms, all jobs in
 * one message.
 */
import type { AnswerPiece } from './output-processor.ts'
import type { DeltaItem, HostEvent } from '#engine/protocol.ts'
import type { Placed } from './sequence.ts'

const MESSAGE_MS = 15

export interface Outbox {
  add(placed: Placed, piece: AnswerPiece): void
  /** Sends what is due at this time (monotonic ms); all there is when `all` is true. */
  flush(now: number, all?: boolean): void
}

export function createOutbox(send: (event: HostEvent) => void): Outbox {
  let waiting: Placed[] = []
  let sentAt = Number.NEGATIVE_INFINITY
  let urgent = false
  return {
    add(placed, { text, logprobs }) {
      if (text === '') return
      if (placed.outbox === '') waiting.push(placed)
      if (placed.firstTextAt === null) urgent = true
      placed.outbox += text
      for (const entry of logprobs) placed.logprobs.push(entry)
    },
    flush(now, all = false) {
      if (waiting.length === 0 || !(all || urgent || now - sentAt >= MESSAGE_MS)) return
      const items = waiting
        .filter((placed) => !placed.left)
        .map((placed): DeltaItem => {
          const { outbox, logprobs } = placed
          placed.firstTextAt ??= now
          placed.outbox = ''
          placed.logprobs = []
          return logprobs.length === 0
            ? { job: placed.job.id, text: outbox }
            : { job: placed.job.id, text: outbox, logprobs }
        })
      waiting = []
      urgent = false
      sentAt = now
      if (items.length > 0) send({ t: 'deltas', items })
    },
  }
}
