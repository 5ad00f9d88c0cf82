/**
 * One supplier's session: its frames go through a reliable link over whichever socket it has now, or wait for the next
 * one.
 */
import type { EngineIdentity } from '#contract/supplier.ts'
import type { ExchangeFrameV2, SupplierProtocol } from '#contract/supplier-v2.ts'
import type { PublicKey } from '#contract/ids.ts'
import type { Price } from '#contract/money.ts'

import type { RoutedJob } from '../jobs/routed-job.ts'
import { LIMITS } from '../exchange-limits.ts'
import { toV1 } from './protocol-v1.ts'
import { Link, type Received } from './reliable-link.ts'
import type { KeptSession, UnacknowledgedBytes } from './unacknowledged.ts'

export interface Offer {
  instrument: string
  deploymentId: string
  identity: EngineIdentity
  ask: Price
  slots: number
  contextTokens: number
  maxOutputTokens: number
  /** Milliseconds since 1970: from then on the offer no longer stands. */
  qualifiedUntil: number
  /** Rises with every new offer or changed ask: time priority. */
  order: number
}

/** One open socket, already past the handshake. */
export interface Wire {
  send(text: string): void
  close(code: number, reason: string): void
  readonly bufferedBytes: number
}

/** Beside what is kept, a socket holds bare acknowledgements and the headers of its frames. */
const UNREAD_EXTRA_BYTES = 262_144

export class Peer implements KeptSession {
  readonly link = new Link(LIMITS.windowBytes)
  readonly offers = new Map<string, Offer>()
  /** Running jobs by id, exam calls among them. */
  readonly jobs = new Map<string, RoutedJob>()
  /** Spoken in this session. */
  readonly protocol: SupplierProtocol
  readonly session: string
  readonly supplier: PublicKey
  readonly name: string
  readonly #onBroken: (reason: string) => void
  readonly #bytes: UnacknowledgedBytes | null
  wire: Wire | null
  /** Set once the session was given up; nothing is sent any more. */
  gone = false
  violations = 0
  lastHeardAt: number

  constructor(options: {
    protocol: SupplierProtocol
    session: string
    supplier: PublicKey
    name: string
    wire: Wire
    mono: number
    onBroken: (reason: string) => void
    /** Counts what is kept for this session among all; none in tests of one. */
    bytes?: UnacknowledgedBytes
  }) {
    this.protocol = options.protocol
    this.session = options.session
    this.supplier = options.supplier
    this.name = options.name
    this.wire = options.wire
    this.lastHeardAt = options.mono
    this.#onBroken = options.onBroken
    this.#bytes = options.bytes ?? null
  }

  get heldBytes(): number {
    return this.link.keptBytes
  }

  /** Ends the session: for its own excess, or for what all sessions together hold. */
  giveUp(reason: string): void {
    this.#onBroken(reason)
  }

  /** Queues a frame; without a socket it waits for the resume. */
  send(frame: ExchangeFrameV2): void {
    if (this.gone) return
    const said = this.protocol === 1 ? toV1(frame) : frame
    if (said === null) return
    const before = this.link.keptBytes
    const wrapped = this.link.wrap(said)
    if (wrapped === null) return this.giveUp('too many unacknowledged frames')
    this.#bytes?.changed(this, this.link.keptBytes - before)
    if (!this.gone) this.write(wrapped)
  }

  /** What arrived, as the link takes it; what it acknowledges is no longer kept. */
  accept(value: unknown): Received {
    const before = this.link.keptBytes
    const received = this.link.accept(value)
    this.#bytes?.changed(this, this.link.keptBytes - before)
    // What is not kept was acknowledged: nobody can have read what still waits here to be sent.
    if (this.wire !== null && this.wire.bufferedBytes > this.link.keptBytes + UNREAD_EXTRA_BYTES)
      return { kind: 'broken', reason: 'seq acknowledged before it was sent' }
    return received
  }

  /** As `Link.resumeFrom`. */
  resumeFrom(received: number): string[] | null {
    const before = this.link.keptBytes
    const missed = this.link.resumeFrom(received)
    this.#bytes?.changed(this, this.link.keptBytes - before)
    return missed
  }

  /** The session is over: nothing is kept for it. */
  left(): void {
    this.gone = true
    this.#bytes?.left(this)
  }

  /** Puts text on the socket, if there is one with room. */
  write(text: string): void {
    if (this.wire === null) return
    if (this.wire.bufferedBytes > LIMITS.unsentBytes) this.wire.close(1013, 'too slow')
    else this.wire.send(text)
  }

  /**
   * Slots of the offer's deployment that no bought job (of any instrument) uses; none without a socket. Exam calls take
   * none: suppliers put them behind jobs, so that an exam does not close the shop.
   */
  freeSlots(offer: Offer): number {
    if (this.wire === null || this.gone) return 0
    let used = 0
    for (const job of this.jobs.values()) if (job.exam === null && job.deploymentId === offer.deploymentId) used += 1
    return Math.max(0, offer.slots - used)
  }
}
