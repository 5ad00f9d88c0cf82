/** All that Home decides from: plain values, so that every state of the rig can be written down in a test. */
import type { Home, Live, Onboarding } from '#contract/app.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { VenueId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { Deployment } from '#contract/models.ts'
import type { Nano, Realm } from '#contract/money.ts'
import type { Unit } from '#contract/units.ts'
import type { EpochMs } from '#contract/time.ts'
import type { Reason } from '#contract/reasons.ts'
import type { ExamFacts } from '#core/core-context.ts'
import { ENDS_SOON_MS } from '#core/listings/index.ts'

export interface HomeFacts {
  now: EpochMs
  venueId: VenueId
  realm: Realm
  unit: Unit
  engine: Live['engine']
  exchange: Pick<Live['venues'][number], 'kind' | 'lastSeenAt' | 'detail' | 'cause'>
  /** Buyers' jobs in work; exam calls are not counted. */
  running: number
  /** Models in the list whose file is ready, and those on remote servers. */
  models: number
  /** The models that come with Stoker are still being read, as on the first start. */
  modelsComing: boolean
  /** Models whose file is gone or is another one now. */
  modelsLost: number
  /** The one that says most: what is listed, else loaded before loading, failed and stopped. */
  deployment: Pick<Deployment, 'modelName' | 'state' | 'detail'> | null
  /** Of every grade, the newest first. */
  exams: readonly ExamFacts[]
  /** Instruments with a current qualification. */
  qualified: readonly string[]
  listing: Pick<Listing, 'instrument' | 'ask' | 'state' | 'reason' | 'stopped' | 'qualifiedUntil'> | null
  /** My jobs that ended well in the last hour. */
  jobsLastHour: number
  /** What the exchange's book says of the instrument; null when it said nothing. */
  demand: { jobsLastHour: number; waiting: number; cheaper: number } | null
  /** The first of the exchange's records that cannot be booked; null when all is well. */
  unbooked: string | null
  /** Why Stoker sells nothing at all here, whatever is listed (books, folder); null or missing when it may. */
  stopped?: Reason | null
  feeBps: number | null
  specs: readonly GradeSpec[]
  power: { nanoPerMtok: Nano | null; currency: string; method: string }
  jobs24h: { jobs: number; failed: number }
  connectedShare24h: number | null
  today: Home['today']
  onboarding: Onboarding
}

/** Why Stoker itself stopped selling what is listed; null when it did not. */
export const stoppedWhy = ({ listing }: Pick<HomeFacts, 'listing'>): Reason | null =>
  listing?.state === 'waiting' ? listing.stopped : null

/**
 * How long the qualification of what is listed lasts: `soon` from a week before its end. What the exchange offers is
 * qualified to it, whatever the clock here says.
 */
export function qualificationOf({ listing, now }: Pick<HomeFacts, 'listing' | 'now'>): {
  state: 'holds' | 'soon' | 'over' | 'unknown'
  until: EpochMs
} {
  const until = listing?.qualifiedUntil ?? null
  if (listing === null || until === null) return { state: 'unknown', until: 0 }
  if (until <= now) return { state: listing.state === 'listed' ? 'soon' : 'over', until }
  return { state: until - now <= ENDS_SOON_MS ? 'soon' : 'holds', until }
}

const VERDICTS: readonly ExamFacts['state'][] = ['passed', 'not-reached', 'undecided']

/**
 * What says how good the rig is: the last verdict on the listed grade, else on a qualified one, else the newest exam of
 * any.
 */
export function gradedExam({
  exams,
  listing,
  qualified,
}: Pick<HomeFacts, 'exams' | 'listing' | 'qualified'>): ExamFacts | null {
  const judged = exams.filter(({ state }) => VERDICTS.includes(state))
  const wanted = listing === null ? qualified : [listing.instrument, ...qualified]
  const found = wanted
    .map((instrument) => judged.find((exam) => exam.instrument === instrument))
    .find((exam) => exam !== undefined)
  return found ?? exams[0] ?? null
}
