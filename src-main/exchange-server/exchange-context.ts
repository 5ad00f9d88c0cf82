/**
 * What every part of the exchange is given. `clock.now` is the ledger's time (virtual in a reproducible run); `mono`
 * and `sleep` are always real.
 */
import type { Books } from '#books/books-types.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import type { Realm } from '#contract/money.ts'
import type { Unit } from '#contract/units.ts'
import type { Clock } from '#contract/time.ts'
import type { Db } from '#db/db-types.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'

export interface TradingTerms {
  realm: Realm
  unit: Unit
  feeBps: number
  holdMs: number
  heartbeatMs: number
  resumeWithinMs: number
  /** Multiplies every job's deadline; 1 unless a slow machine must not miss any. */
  deadlineFactor: number
}

export interface ExchangeContext {
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly db: Db
  readonly books: Books
  readonly key: SigningKey
  readonly specs: ReadonlyMap<string, GradeSpec>
  readonly terms: TradingTerms
}

export const PRACTICE_TERMS: TradingTerms = {
  realm: EMBEDDED_VENUE.realm,
  unit: EMBEDDED_VENUE.unit,
  feeBps: 500,
  holdMs: 30_000,
  heartbeatMs: 5_000,
  resumeWithinMs: 5_000,
  deadlineFactor: 1,
}

/** Deadline of a job: time to the first token, then twice the time the throughput floor allows. */
export const deadlineMsOf = (spec: GradeSpec, maxTokens: number, factor: number): number =>
  Math.ceil((spec.limits.ttftCeilingMs + (maxTokens / spec.limits.throughputFloorTokPerS) * 2_000) * factor)
