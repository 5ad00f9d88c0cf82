/** What earnings offer screens and other domains. */
import type { Reason } from '#contract/reasons.ts'
import type { Series, Summary } from '#contract/earnings.ts'
import type { EpochMs } from '#contract/time.ts'

import type { Range } from './buckets.ts'
import type { HeldRow } from './rollups.store.ts'

export interface EarningsService {
  /**
   * Sums of the hours that begin in [from, to); pending and next release are as of now. Error BAD_REQUEST for an empty
   * range.
   */
  summary(from: EpochMs, to: EpochMs): Summary
  /** Error BAD_REQUEST for an empty range or more than 2,000 buckets. */
  series(range: Range): Series
  held(): (HeldRow & { reason: Reason })[]
  csv(range: Range): { fileName: string; csv: string }
}
