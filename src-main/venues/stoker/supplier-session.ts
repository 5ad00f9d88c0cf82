/**
 * One session of the supplier protocol without any socket: sequence numbers, acknowledgements and the resend buffer,
 * bounded in frames and in bytes. Wire format: contract/supplier-v2.ts.
 */
import { fail } from '#contract/errors.ts'
import { RESEND_BUFFER_MAX, type Envelope, type SupplierFrame } from '#contract/supplier.ts'
import { WINDOW_BYTES_MAX, type SupplierFrameV2 } from '#contract/supplier-v2.ts'

/**
 * Frames received since our last envelope after which a bare acknowledgement goes out, so that the other side's buffer
 * stays short.
 */
const BARE_ACK_EVERY = 32

export class SupplierSession {
  readonly id: string
  readonly protocol: 1 | 2
  /** Highest seq received from the exchange. */
  received = 0
  readonly #windowBytes: number
  #next = 1
  #unacknowledged: { seq: number; text: string; bytes: number }[] = []
  #bytes = 0
  #owedAcks = 0

  /** `windowBytes`: of unacknowledged frames, as the welcome said. */
  constructor(id: string, protocol: 1 | 2, windowBytes: number = WINDOW_BYTES_MAX) {
    this.id = id
    this.protocol = protocol
    this.#windowBytes = windowBytes
  }

  /**
   * Numbers and keeps the frame; the envelope's text. Throws UNAVAILABLE when RESEND_BUFFER_MAX frames or the window's
   * bytes are unacknowledged: the session is lost then.
   */
  push(frame: SupplierFrame | SupplierFrameV2): string {
    const text = JSON.stringify(frame)
    const bytes = Buffer.byteLength(text)
    if (this.#unacknowledged.length >= RESEND_BUFFER_MAX || this.#bytes + bytes > this.#windowBytes)
      throw fail('venue.resendFull', { max: this.#unacknowledged.length })
    const seq = this.#next
    this.#next += 1
    this.#unacknowledged.push({ seq, text, bytes })
    this.#bytes += bytes
    this.#owedAcks = 0
    return this.#wrapped(seq, text)
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
  dueAck(): string | null {
    if (this.#owedAcks < BARE_ACK_EVERY) return null
    this.#owedAcks = 0
    return JSON.stringify({ seq: 0, ack: this.received })
  }

  /** After a resume: what the exchange says it has received is dropped, the rest goes out again, in order. */
  resend(receivedByExchange: number): string[] {
    this.#acknowledge(receivedByExchange)
    return this.#unacknowledged.map(({ seq, text }) => this.#wrapped(seq, text))
  }

  #wrapped(seq: number, text: string): string {
    return `{"seq":${seq},"ack":${this.received},"frame":${text}}`
  }

  #acknowledge(ack: number): void {
    let count = 0
    while (count < this.#unacknowledged.length && this.#unacknowledged[count]!.seq <= ack) {
      this.#bytes -= this.#unacknowledged[count]!.bytes
      count += 1
    }
    if (count > 0) this.#unacknowledged.splice(0, count)
  }
}
