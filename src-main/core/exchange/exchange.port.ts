/**
 * What the core sees of an exchange: frames of the supplier protocol in both directions, and whether it is reachable.
 * One adapter per exchange stands behind it.
 */
import type { Reason } from '#contract/reasons.ts'
import type { PublicKey } from '#contract/ids.ts'
import type { Currency, Realm } from '#contract/money.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'

/** Flags, not identities: nobody outside an adapter asks which exchange it is. */
interface ExchangeCapabilities {
  exams: boolean
  book: boolean
  signedReceipts: boolean
  releases: boolean
}

export interface ExchangeTerms {
  realm: Realm
  currency: Currency
  feeBps: number
  holdMs: number
  specs: GradeSpec[]
  exchange: PublicKey
}

export type ExchangeState =
  | { kind: 'connecting'; attempt: number }
  /** `fresh` is true when the session could not be resumed: the core must sync. */
  | { kind: 'online'; since: number; terms: ExchangeTerms; fresh: boolean }
  | { kind: 'offline'; reason: Reason; retryAt: number }
  | { kind: 'stopped' }

export interface ExchangePort {
  readonly capabilities: ExchangeCapabilities
  state(): ExchangeState
  /** Milliseconds since 1970 of the last frame or pong from the exchange; null before the first. */
  lastSeenAt(): number | null
  onState(listener: (state: ExchangeState) => void): () => void
  onFrame(listener: (frame: ExchangeFrame) => void): () => void
  /**
   * Queues the frame for the current session; throws EXCHANGE_OFFLINE when there is none. Delivery is not an
   * acknowledgement: money waits for its answer frame.
   */
  send(frame: SupplierFrame): void
  start(): void
  stop(): Promise<void>
}
