/**
 * What the core sees of an exchange: frames of the supplier protocol in both directions, and whether it is reachable.
 * One adapter per exchange stands behind it.
 */
import type { PublicKey } from '#contract/ids.ts'
import type { Price, Realm } from '#contract/money.ts'
import type { UnitCode } from '#contract/units.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Book, ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'

/**
 * What the core hears: the supplier protocol's frames, with prices of three parts whatever the venue's wire has. An
 * adapter makes three equal ones of one.
 */
export type FromVenue =
  | Exclude<ExchangeFrame, { t: 'job' | 'book' }>
  | (Omit<Extract<ExchangeFrame, { t: 'job' }>, 'priceNanoPerMtok'> & { price: Price })
  | { t: 'book'; book: Omit<Book, 'rows'> & { rows: BookRowOf<Book['rows'][number]>[] } }
type BookRowOf<Row> = Omit<Row, 'askNanoPerMtok'> & { ask: Price }

/** What the core says. An adapter whose wire has one price refuses an offer of three that differ: PRICE_UNEQUAL. */
export type ToVenue =
  | Exclude<SupplierFrame, { t: 'offer' }>
  | (Omit<Extract<SupplierFrame, { t: 'offer' }>, 'askNanoPerMtok'> & { ask: Price })

/** Flags, not identities: nobody outside an adapter asks which exchange it is. */
interface ExchangeCapabilities {
  exams: boolean
  book: boolean
  signedReceipts: boolean
  releases: boolean
  /** Its wire has one price for all tokens: three that differ cannot be offered. */
  onePrice: boolean
}

export interface ExchangeTerms {
  realm: Realm
  unit: UnitCode
  feeBps: number
  holdMs: number
  specs: GradeSpec[]
  exchange: PublicKey
}

export type ExchangeState =
  | { kind: 'connecting'; attempt: number }
  /** `fresh` is true when the session could not be resumed: the core must sync. */
  | { kind: 'online'; since: number; terms: ExchangeTerms; fresh: boolean }
  | { kind: 'offline'; reason: string; retryAt: number }
  | { kind: 'stopped' }

export interface ExchangePort {
  readonly capabilities: ExchangeCapabilities
  state(): ExchangeState
  /** Milliseconds since 1970 of the last frame or pong from the exchange; null before the first. */
  lastSeenAt(): number | null
  onState(listener: (state: ExchangeState) => void): () => void
  onFrame(listener: (frame: FromVenue) => void): () => void
  /**
   * Queues the frame for the current session; throws EXCHANGE_OFFLINE when there is none, PRICE_UNEQUAL where
   * its wire cannot say the price. Delivery is not an
   * acknowledgement: money waits for its answer frame.
   */
  send(frame: ToVenue): void
  start(): void
  stop(): Promise<void>
}
