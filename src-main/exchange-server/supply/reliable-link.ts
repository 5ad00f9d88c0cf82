/**
 * One reliable, ordered stream of frames over sockets that come and go: the envelope {seq, ack, frame} of the supplier
 * protocol. Pure: it takes what arrived and returns what to send. docs/protocol.md, Envelope.
 */
import { envelope, RESEND_BUFFER_MAX, type Envelope, type ExchangeFrame } from '#contract/supplier.ts'
import type { ExchangeFrameV2 } from '#contract/supplier-v2.ts'

export type Received = { kind: 'frame'; frame: unknown } | { kind: 'nothing' } | { kind: 'broken'; reason: string }

export class Link {
  #sent = 0
  #received = 0
  #unacknowledged: Envelope[] = []
  #sinceAck = 0

  get received(): number {
    return this.#received
  }

  /** Frames received since this side last sent an acknowledgement. */
  get owedAcks(): number {
    return this.#sinceAck
  }

  get pending(): number {
    return this.#unacknowledged.length
  }

  /**
   * Wraps a frame for sending, or null when the peer has left too many unacknowledged: the session is beyond repair.
   */
  wrap(frame: ExchangeFrame | ExchangeFrameV2): Envelope | null {
    if (this.#unacknowledged.length >= RESEND_BUFFER_MAX) return null
    this.#sent += 1
    const wrapped = { seq: this.#sent, ack: this.#received, frame }
    this.#unacknowledged.push(wrapped)
    this.#sinceAck = 0
    return wrapped
  }

  /** A bare acknowledgement. */
  acknowledge(): Envelope {
    this.#sinceAck = 0
    return { seq: 0, ack: this.#received }
  }

  accept(value: unknown): Received {
    const parsed = envelope.safeParse(value)
    if (!parsed.success) return { kind: 'broken', reason: 'not an envelope {seq, ack, frame}' }
    const { seq, ack, frame } = parsed.data
    if (ack > this.#sent) return { kind: 'broken', reason: `ack ${ack} of a frame that was never sent` }
    this.#forget(ack)
    if (seq === 0 || seq <= this.#received) return { kind: 'nothing' }
    if (seq !== this.#received + 1) return { kind: 'broken', reason: `seq ${seq} after ${this.#received}` }
    this.#received = seq
    this.#sinceAck += 1
    return { kind: 'frame', frame }
  }

  /**
   * After a resume: what the peer has not seen, with fresh acknowledgements; null when it claims what was never sent or
   * was forgotten.
   */
  resumeFrom(received: number): Envelope[] | null {
    const oldest = this.#unacknowledged[0]?.seq ?? this.#sent + 1
    if (received > this.#sent || received < oldest - 1) return null
    this.#forget(received)
    return this.#unacknowledged.map((wrapped) => ({ ...wrapped, ack: this.#received }))
  }

  #forget(ack: number): void {
    let gone = 0
    while (gone < this.#unacknowledged.length && this.#unacknowledged[gone]!.seq <= ack) gone += 1
    if (gone > 0) this.#unacknowledged.splice(0, gone)
  }
}
