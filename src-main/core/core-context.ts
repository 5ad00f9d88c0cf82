/**
 * What every domain of the core is given, and the small services domains offer each other. A domain exports
 * `createX(context, …)` from its index.ts, returning `{ api, start?, stop?, …own functions }`; `api` holds the handlers
 * of its slice of the contract, built from `context.os`.
 */
import type { Reason } from '#contract/reasons.ts'
import type { Books } from '#books/books-types.ts'
import type { Live, Topic } from '#contract/app.ts'
import type { DeploymentId, Instrument, ModelSha256, VenueId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { HandedBack } from '#contract/models.ts'
import type { Nano, Realm } from '#contract/money.ts'
import type { Clock, EpochMs } from '#contract/time.ts'
import type { Unit } from '#contract/units.ts'
import type { Db } from '#db/db-types.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'

import type { EnginePort, EngineSettings, LoadedModel } from './engine/engine.port.ts'
import type { EnginesPort } from './engine/engines.port.ts'
import type { HostPort } from './host/host.port.ts'
import type { Os } from './os.ts'
import type { VenuePort } from './venues/venue.port.ts'

/** What changed, and how often so far. */
export interface TopicChange {
  topic: Topic
  venueId: VenueId | null
  version: number
}

/** Topic/version bus: says what changed, never carries state. */
export interface EventBus {
  /** Call after the change was committed; `venueId` is null for what belongs to the machine. */
  changed(topic: Topic, venueId?: VenueId | null): void
  /** Own listener inside the core; returns its unsubscribe. */
  on(listener: (topic: Topic) => void): () => void
  /** The same bus, on which every change is this venue's. */
  of(venueId: VenueId): EventBus
  /**
   * Every topic's version at once, then changes, coalesced per topic; ends with the signal. Throws UNAVAILABLE beyond
   * the bound on subscribers.
   */
  subscribe(signal: AbortSignal | undefined): AsyncGenerator<TopicChange>
}

/** Of the machine, whatever it sells on. */
export interface CoreContext {
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly os: Os
  /** Settings, models, deployments, power, venues: of no realm. */
  readonly rigDb: Db
  readonly books: Books
  readonly engines: EnginesPort
  readonly host: HostPort
  readonly events: EventBus
  readonly key: SigningKey
  readonly version: string
  readonly dataDir: string
  readonly bundledModelsDir: string
}

/** Of one venue: its own database, realm and unit, and the driver that speaks to it. Built by core/venues alone. */
export interface VenueContext extends CoreContext {
  readonly venueId: VenueId
  /** The kind of venue. */
  readonly driver: string
  /** Ledger, jobs, receipts, outbox, listings, exams, rollups of this venue. */
  readonly realmDb: Db
  readonly realm: Realm
  /** What every amount in `realmDb` is in. */
  readonly unit: Unit
  readonly venue: VenuePort
}

/** A stored deployment as jobs, listings and exams need it. */
export interface DeploymentFacts {
  deploymentId: DeploymentId
  sha256: ModelSha256
  modelName: string
  settings: EngineSettings
  /**
   * What an identity says of a deployment on remote servers, of which nothing attests what they run; null or missing
   * for a local one.
   */
  remote?: { endpoint: string; reportedModel: string } | null
}

export interface LoadedDeployment extends DeploymentFacts {
  model: LoadedModel
}

/** What deployments show the other domains. */
export interface DeploymentsService {
  find(deploymentId: string): DeploymentFacts | null
  /** Loads it when it is not in memory. Errors: NOT_FOUND, MODEL_*, ENGINE_*. */
  ensureLoaded(deploymentId: string): Promise<LoadedModel>
  /** The deployment with what its engine says of it; null when it is not in memory. */
  loaded(deploymentId: string): LoadedDeployment | null
  /** Everything in memory now. */
  allLoaded(): LoadedDeployment[]
  /** Those of this machine whose engine crashed too often in a row, and why. */
  broken(): { deploymentId: DeploymentId; reason: Reason }[]
  /** Starts such an engine again and loads it; nothing for any other. Errors: MODEL_*, ENGINE_*. */
  restartBroken(deploymentId: string): Promise<void>
  /** Its engine, loaded or not; null when there is no such deployment or it was never loaded. */
  engine(deploymentId: string): EnginePort | null
  /** Why it could not be loaded, or was stopped; null where neither holds. */
  failure(deploymentId: string): Reason | null
  /** Its files were touched: it is out of memory, its jobs fail, and nothing is sold from it until they are hashed. */
  onModelChange(
    listener: (change: {
      deploymentId: DeploymentId
      sha256: ModelSha256
      /** The first file that was. */
      path: string
      found: 'changed' | 'missing'
    }) => void,
  ): () => void
  /** Any engine's state changed, or a deployment was loaded or unloaded. */
  onChange(listener: () => void): () => void
  /** Tells that work came or ended: what is idle for long may be unloaded. */
  used(deploymentId: string): void
}

/** Gives the machine back to its owner; contract/models.ts, handBack. */
export type HandBack = (rule: 'now' | 'finish') => Promise<HandedBack>

/** A value with how it was come by. */
export interface MeasuredValue {
  value: number
  method: string
  at: EpochMs
}

/**
 * What power shows the other domains. Amounts are nano-units of `currency`, the owner's power currency, never the
 * realm's.
 */
export interface PowerService {
  watts(): MeasuredValue | null
  /** Electricity per million billed tokens over recent work; null before anything ran or without a price. */
  perMtok(): { nanoPerMtok: Nano | null; currency: string; method: string }
  /** Electricity of one job by its share of the machine; null when unknown. */
  ofJob(job: { startedAt: EpochMs; endedAt: EpochMs }): Nano | null
}

export interface QualificationFacts {
  instrument: Instrument
  deploymentId: DeploymentId
  sha256: ModelSha256
  examId: string
  specVersion: number
  validUntil: EpochMs
}
/** One exam as Home tells of it. `limits` is decision-ready JSON of contract/exams.ts. */
export interface ExamFacts {
  examId: string
  instrument: Instrument
  state: 'running' | 'interrupted' | 'cancelled' | 'passed' | 'not-reached' | 'undecided'
  limits: { name: string; n: number; k: number; floor: number; low: number; high: number; state: string }[]
  validUntil: EpochMs | null
}

/** What jobs, listings and exams show home, deployments, earnings and onboarding. */
export interface TradingService {
  live(): Live
  listings(): Listing[]
  /** Current, unexpired qualifications. */
  qualifications(): QualificationFacts[]
  /** The newest first, of every grade. */
  exams(): ExamFacts[]
  /** Finished jobs since `from`: settled or claimed, and those that failed by our fault. Exam jobs are not counted. */
  jobsSince(from: EpochMs): { jobs: number; failed: number }
  /** Share of listed time since `from` in which the exchange was connected; null when never listed. */
  connectedShare(from: EpochMs): number | null
  /** What of the exchange's records cannot be booked, one line each; empty when all is well. */
  unbooked(): string[]
  /** Why nothing at all may be sold on the venue now, whatever is listed; null when it may, missing where nobody watches. */
  stopped?(): Reason | null
  /**
   * Why the deployment or model may not be unloaded or removed now (a listing, an exam, running jobs), in plain words;
   * null when it may.
   */
  inUse(deploymentId: string): Reason | null
}
