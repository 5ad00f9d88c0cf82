/** Earnings of one venue: read from sums by quarter hour, so that a million jobs cost what a thousand do. */
import { because } from '#contract/reasons.ts'
import type { VenueContext } from '#core/core-context.ts'

import { csvFileName, seriesCsv } from './csv.ts'
import type { EarningsService } from './earnings-service.ts'
import { seriesOf, summaryOf, type EarningsPower } from './earnings-series.ts'
import { checkedZone } from './calendar.ts'
import { createFirstSold } from './first-sold.ts'
import { historyOf, releasesOf } from './history.ts'
import { marksBetween } from './marks.store.ts'
import { lastDay, resolveRange } from './ranges.ts'
import { heldJobs, jobsBetween } from './rollups.store.ts'
import { weekOf } from './week.ts'

export { earningsApi } from './earnings.api.ts'
export type { EarningsService } from './earnings-service.ts'
export { billedBetween } from './rollups.store.ts'
export { shownPrice } from './shown-amount.ts'

export type EarningsContext = Pick<VenueContext, 'venueId' | 'realmDb' | 'rigDb' | 'realm' | 'unit' | 'clock'>

export function createEarnings(context: EarningsContext, power: EarningsPower) {
  const { venueId, realmDb, rigDb, clock, unit } = context
  const firstSold = createFirstSold(realmDb.read)
  const service: EarningsService = {
    summary(asked) {
      const now = clock.now()
      return summaryOf(context, power, { range: resolveRange(asked, now), by: asked.by, only: asked.only, now })
    },
    series(asked) {
      const now = clock.now()
      const { by, only } = asked
      return seriesOf(context, power, { range: resolveRange(asked, now), by, only, now, sources: firstSold(by, now) })
    },
    week(asked) {
      const now = clock.now()
      return weekOf(context, power, { range: resolveRange(asked, now), by: asked.by, only: asked.only, now })
    },
    history: (zone) => historyOf(context, checkedZone(zone), clock.now()),
    releases: (zone) => releasesOf(context, checkedZone(zone), clock.now()),
    marks: (asked) => marksBetween(realmDb.read, rigDb.read, resolveRange(asked, clock.now())),
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
