/**
 * What the core sees of a venue: verbs in both directions, and whether it is reachable. One driver a kind of venue
 * stands behind it (src-main/venues), and its wire stays there. What a venue cannot do is a capability; no code asks
 * for a name.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { DeploymentId, ExamId, Instrument, JobId, PublicKey } from '#contract/ids.ts'
import type { Price, Realm } from '#contract/money.ts'
import type { Reason } from '#contract/reasons.ts'
import type { SignedClaim } from '#contract/receipt.ts'
import type { EngineIdentity } from '#contract/supplier.ts'
import type { ChainHeads } from '#contract/supplier-v2.ts'
import type { EpochMs } from '#contract/time.ts'
import type { UnitCode } from '#contract/units.ts'
import type { LeaseSource } from '#core/capacity/lease.port.ts'

import type { VenueEvent } from './venue-events.ts'

export interface VenueCapabilities {
  /** `push`: jobs come by themselves. `poll`: the driver fetches one with a lease in hand, and hands it in once. */
  transport: 'push' | 'poll'
  /** Text is delivered while it is generated; otherwise `done` carries all of it. */
  streaming: boolean
  /** A buyer's leaving reaches us. */
  cancel: boolean
  /** Whose count of tokens is paid. */
  counts: 'venue' | 'seller'
  /** It pays what we ask, or by a rule of its own. */
  pricing: 'ask' | 'venue'
  /** Its wire has one price for all tokens: three that differ cannot be offered (PRICE_UNEQUAL). */
  onePrice: boolean
  /** What shows that work was paid. */
  receipts: 'signed' | 'statement' | 'none'
  /** `own`: the venue examines suppliers. `none`: its grades may be listed without an exam. */
  exams: 'own' | 'none'
  /** It tells asks and demand. */
  book: boolean
  /** An offer can be paused without taking it back. */
  pause: boolean
  /** A price changes without losing the place of the offer. */
  reprice: boolean
  prompts: 'chat' | 'raw'
}

export interface VenueTerms {
  realm: Realm
  unit: UnitCode
  feeBps: number
  holdMs: number
  specs: GradeSpec[]
  /** Signs the receipts; empty where the venue signs none. */
  exchange: PublicKey
}

export type VenueState =
  | { kind: 'connecting'; attempt: number }
  /** `fresh` is true when the session could not be resumed: the core must reconcile. */
  | {
      kind: 'online'
      since: EpochMs
      terms: VenueTerms
      fresh: boolean
      /** Where the venue says that both chains of ours end; null or missing where it does not say. */
      heads?: ChainHeads | null
      /** Our clock less the venue's, when we connected; missing where it tells no time. */
      clockApartMs?: number
    }
  /** `credential`: the venue does not take our key any more; trying again changes nothing before the owner acts. */
  | { kind: 'offline'; reason: Reason; retryAt: EpochMs; cause: 'network' | 'credential' }
  | { kind: 'stopped' }

/** Declared anew to change price or slots. */
export interface VenueOffer {
  instrument: Instrument
  deploymentId: DeploymentId
  identity: EngineIdentity
  ask: Price
  slots: number
  contextTokens: number
  maxOutputTokens: number
}

export interface ExamApplication {
  requestId: string
  instrument: Instrument
  deploymentId: DeploymentId
  identity: EngineIdentity
  slots: number
  /** The attempt to go on with. */
  examId?: ExamId
}

/** A job that is done. `text` is null when it was done by an earlier process: answers are not kept. */
export interface FinishedWork extends SignedClaim {
  jobId: JobId
  text: string | null
}

/** What we hold of a venue with signed receipts, and the jobs we do not know the end of. */
export interface ReconcileRequest {
  afterReceiptSeq: number
  afterReleaseSeq: number
  openJobs: JobId[]
}

/**
 * Verbs throw EXCHANGE_OFFLINE when there is no session. That one was taken is no acknowledgement: money waits for the
 * venue's answer.
 */
export interface VenueVerbs {
  declare(offer: VenueOffer): void
  withdraw(instrument: Instrument): void
  accept(jobId: JobId): void
  /** It was not begun; the venue may give it to another supplier. */
  refuse(jobId: JobId, error: ErrorValue): void
  text(jobId: JobId, text: string): void
  done(work: FinishedWork): void
  failed(jobId: JobId, error: ErrorValue): void
  reconcile(request: ReconcileRequest): void
  startExam(application: ExamApplication): void
  cancelExam(examId: ExamId): void
}

export interface VenuePort extends VenueVerbs {
  readonly capabilities: VenueCapabilities
  state(): VenueState
  /** When the venue was last heard of; null before the first time. */
  lastSeenAt(): EpochMs | null
  onState(listener: (state: VenueState) => void): () => void
  onEvent(listener: (event: VenueEvent) => void): () => void
  /** Connects, and stays so; a polling driver takes a lease before each job. */
  start(leases: LeaseSource): void
  stop(): Promise<void>
  /** The owner's word that this rig and no other has the key; connects at once. Missing where keys are not held so. */
  takeOver?(): void
  /** The next attempt to connect, now. */
  retry?(): void
}

/** What a rig keeps of a venue between starts. */
export interface VenueMemory {
  /** The venue's key as it was at first contact, or as the owner trusted it; null before. */
  pinnedKey(): PublicKey | null
  /** No effect where one is pinned already. */
  pin(key: PublicKey): void
  /** Counts the starts with our key: raised at every one. */
  epoch(): number
  /** What the venue says it stands at, after a takeover; never lowers it. */
  standsAt(epoch: number): void
  /** Drawn at this start. */
  readonly instance: string
}
