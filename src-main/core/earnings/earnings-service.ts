/** What earnings offer screens and other domains. */
import type { History, Mark, RangeAsked, Releases, Series, Summary, Week } from '#contract/earnings.ts'
import type { VenueId } from '#contract/ids.ts'
import type { Reason } from '#contract/reasons.ts'

import type { HeldRow } from './rollups.store.ts'

export interface EarningsService {
  /**
   * Sums of the range; pending and next release are as of now. Error BAD_REQUEST for an empty range or an unknown time
   * zone.
   */
  summary(asked: RangeAsked): Summary
  /** Error BAD_REQUEST for an empty range, an unknown time zone, or more than 2,000 buckets. */
  series(asked: RangeAsked): Series
  /** Which hours of the week pay; the errors of `summary`. */
  week(asked: RangeAsked): Week
  /** What each day of the last year earned. Error BAD_REQUEST for an unknown time zone. */
  history(zone: string): History
  /** When held money is released, by day. Error BAD_REQUEST for an unknown time zone. */
  releases(zone: string): Releases
  /** What happened in the range, the newest ones; the errors of `summary`. */
  marks(asked: RangeAsked): { marks: Mark[]; leftOut: number }
  held(): (HeldRow & { venueId: VenueId; reason: Reason })[]
  /** The rows of `series`; the same errors. */
  csv(asked: RangeAsked): { fileName: string; csv: string }
  /** Jobs settled, and jobs failed by our fault, in the quarter hours that began in the last 24 hours. */
  jobsLastDay(): { jobs: number; failed: number }
}
