/**
 * One session of the supplier protocol without any socket: sequence numbers, acknowledgements and the bounded resend
 * buffer. Wire format: contract/supplier.ts.
 */
import { fail } from '#contract/errors.ts'
import { RESEND_BUFFER_MAX, type Envelope, type SupplierFrame } from '#contract/supplier.ts'

/**
 * Frames received since our last envelope after which a bare acknowledgement goes out, so that the other side's buffer
 * stays short.
 */
const BARE_ACK_EVERY = 32

export class SupplierSession {
  readonly id: string
  /** Highest seq received from the exchange. */
  received = 0
  #next = 1
  #unacknowledged: { seq: number; frame: SupplierFrame }[] = []
  #owedAcks = 0

  constructor(id: string) {
    this.id = id
  }

  /** Frames the exchange has not acknowledged. */
  get buffered(): number {
    return this.#unacknowledged.length
  }

  /**
   * Numbers and keeps the frame. Throws UNAVAILABLE when RESEND_BUFFER_MAX frames are unacknowledged: the session is
   * lost then.
   */
  push(frame: SupplierFrame): Envelope {
    if (this.#unacknowledged.length >= RESEND_BUFFER_MAX) throw fail('venue.resendFull', { max: RESEND_BUFFER_MAX })
    const seq = this.#next
    this.#next += 1
    this.#unacknowledged.push({ seq, frame })
    this.#owedAcks = 0
    return { seq, ack: this.received, frame }
  }

  /**
   * `new` when the frame is to be handled, `seen` when it is a repetition or a bare acknowledgement, `gap` when a frame
   * before it is missing.
   */
  accept(envelope: Envelope): 'new' | 'seen' | 'gap' {
    this.#acknowledge(envelope.ack)
    if (envelope.seq === 0 || envelope.seq <= this.received) return 'seen'
    if (envelope.seq !== this.received + 1) return 'gap'
    this.received = envelope.seq
    this.#owedAcks += 1
    return 'new'
  }

  /** A bare acknowledgement when one is due, else null. */
  dueAck(): Envelope | null {
    if (this.#owedAcks < BARE_ACK_EVERY) return null
    this.#owedAcks = 0
    return { seq: 0, ack: this.received }
  }

  /** After a resume: what the exchange says it has received is dropped, the rest goes out again, in order. */
  resend(receivedByExchange: number): Envelope[] {
    this.#acknowledge(receivedByExchange)
    return this.#unacknowledged.map(({ seq, frame }) => ({ seq, ack: this.received, frame }))
  }

  #acknowledge(ack: number): void {
    let count = 0
    while (count < this.#unacknowledged.length && this.#unacknowledged[count]!.seq <= ack) count += 1
    if (count > 0) this.#unacknowledged.splice(0, count)
  }
}
