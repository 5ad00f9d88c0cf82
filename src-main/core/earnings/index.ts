/** Earnings of one venue: read from sums by quarter hour, so that a million jobs cost what a thousand do. */
import { because } from '#contract/reasons.ts'
import type { VenueContext } from '#core/core-context.ts'

import { csvFileName, seriesCsv } from './csv.ts'
import type { EarningsService } from './earnings-service.ts'
import { seriesOf, summaryOf, type EarningsPower } from './earnings-series.ts'
import { lastDay, resolveRange } from './ranges.ts'
import { heldJobs, jobsBetween } from './rollups.store.ts'

export { earningsApi } from './earnings.api.ts'
export type { EarningsService } from './earnings-service.ts'
export { billedBetween } from './rollups.store.ts'
export { shownPrice } from './shown-amount.ts'

export type EarningsContext = Pick<VenueContext, 'venueId' | 'realmDb' | 'realm' | 'unit' | 'clock'>

export function createEarnings(context: EarningsContext, power: EarningsPower) {
  const { venueId, realmDb, clock, unit } = context
  const service: EarningsService = {
    summary(asked) {
      const now = clock.now()
      return summaryOf(context, power, resolveRange(asked, now), now)
    },
    series(asked) {
      const now = clock.now()
      return seriesOf(context, power, { range: resolveRange(asked, now), by: asked.by, now })
    },
    held() {
      const now = clock.now()
      return heldJobs(realmDb.read).map((row) => ({
        ...row,
        venueId,
        reason: row.releaseAt > now ? because('held.until') : because('held.due'),
      }))
    },
    csv(asked) {
      const series = service.series(asked)
      return { fileName: csvFileName(series), csv: seriesCsv(series, unit.scale) }
    },
    jobsLastDay() {
      const { from, to } = lastDay(clock.now())
      return jobsBetween(realmDb.read, from, to)
    },
  }
  return service
}
