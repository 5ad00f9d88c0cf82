/**
 * Generated text that waits to be sent: the first text of a job goes at once, later text at most every 15 ms, with the
 * text of all jobs in one message.
 */
import type { OutputDelta } from './output-processor.ts'
import type { DeltaItem, EngineHostEvent } from '#engine/protocol.ts'
import type { Sequence } from './sequence.ts'

const MESSAGE_MS = 15

export interface DeltaOutbox {
  add(sequence: Sequence, delta: OutputDelta): void
  /** Sends what is due at this time (monotonic ms), or everything when `all` is true. */
  flush(now: number, all?: boolean): void
}

export function createDeltaOutbox(send: (event: EngineHostEvent) => void): DeltaOutbox {
  let waiting: Sequence[] = []
  let sentAt = Number.NEGATIVE_INFINITY
  let urgent = false
  return {
    add(sequence, { text, logprobs }) {
      if (text === '') return
      if (sequence.pendingText === '') waiting.push(sequence)
      if (sequence.firstTextAt === null) urgent = true
      sequence.pendingText += text
      for (const entry of logprobs) sequence.pendingLogprobs.push(entry)
    },
    flush(now, all = false) {
      if (waiting.length === 0 || !(all || urgent || now - sentAt >= MESSAGE_MS)) return
      const items = waiting
        .filter((sequence) => !sequence.finished)
        .map((sequence): DeltaItem => {
          const { job, pendingText: text, pendingLogprobs: logprobs } = sequence
          sequence.firstTextAt ??= now
          sequence.pendingText = ''
          sequence.pendingLogprobs = []
          return logprobs.length === 0 ? { job: job.id, text } : { job: job.id, text, logprobs }
        })
      waiting = []
      urgent = false
      sentAt = now
      if (items.length > 0) send({ t: 'deltas', items })
    },
  }
}
