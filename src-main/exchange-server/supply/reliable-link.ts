/**
 * One reliable, ordered stream of frames over sockets that come and go: the envelope {seq, ack, frame} of the supplier
 * protocol. Pure: it takes what arrived and returns what to send. docs/protocol.md, Envelope.
 */
import { envelope, RESEND_BUFFER_MAX, type ExchangeFrame } from '#contract/supplier.ts'
import type { ExchangeFrameV2 } from '#contract/supplier-v2.ts'

/** A frame kept until it is acknowledged: as text, which is what it is sent as and a fraction of the object's size. */
interface Kept {
  readonly seq: number
  readonly frame: string
  readonly bytes: number
}

const enveloped = ({ seq, frame }: Kept, ack: number): string => `{"seq":${seq},"ack":${ack},"frame":${frame}}`

export type Received = { kind: 'frame'; frame: unknown } | { kind: 'nothing' } | { kind: 'broken'; reason: string }

export class Link {
  #sent = 0
  #received = 0
  #unacknowledged: Kept[] = []
  #keptBytes = 0
  #sinceAck = 0
  readonly #bytesMax: number

  /** `bytesMax`: of all frames the peer has not acknowledged. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.#bytesMax = bytesMax
  }

  /** The number of the last frame sent, and of the last one the peer acknowledged. */
  get sent(): number {
    return this.#sent
  }

  get acknowledged(): number {
    return (this.#unacknowledged[0]?.seq ?? this.#sent + 1) - 1
  }

  /** Bytes of the frames that are not acknowledged. */
  get keptBytes(): number {
    return this.#keptBytes
  }

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
   * A frame as text for sending, or null when the peer has left too many or too large ones unacknowledged: the session is
   * beyond repair.
   */
  wrap(frame: ExchangeFrame | ExchangeFrameV2): string | null {
    const text = JSON.stringify(frame)
    const kept = { seq: this.#sent + 1, frame: text, bytes: Buffer.byteLength(text) }
    const tooMuch = this.#keptBytes + kept.bytes > this.#bytesMax
    if (tooMuch || this.#unacknowledged.length >= RESEND_BUFFER_MAX) return null
    this.#sent = kept.seq
    this.#unacknowledged.push(kept)
    this.#keptBytes += kept.bytes
    this.#sinceAck = 0
    return enveloped(kept, this.#received)
  }

  /** A bare acknowledgement. */
  acknowledge(): string {
    this.#sinceAck = 0
    return `{"seq":0,"ack":${this.#received}}`
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
  resumeFrom(received: number): string[] | null {
    const oldest = this.#unacknowledged[0]?.seq ?? this.#sent + 1
    if (received > this.#sent || received < oldest - 1) return null
    this.#forget(received)
    return this.#unacknowledged.map((kept) => enveloped(kept, this.#received))
  }

  #forget(ack: number): void {
    let gone = 0
    while (gone < this.#unacknowledged.length && this.#unacknowledged[gone]!.seq <= ack) gone += 1
    for (const kept of this.#unacknowledged.splice(0, gone)) this.#keptBytes -= kept.bytes
  }
}
