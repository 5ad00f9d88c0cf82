/** earnings: invented series and their sums, or the real books of a year. */
import type { Series } from '#contract/earnings.ts'
import { said } from '#contract/reasons.ts'
import type { Nano } from '#contract/money.ts'
import { dateOf } from '#core/earnings/calendar.ts'
import { DAY_MS } from '#contract/time.ts'

import { VENUE } from '../venue.ts'
import { csv, series } from './series.ts'
import { job, MICRO_GRADE, NANO_GRADE, wobble } from './state.ts'
import { os, type FakeCoreOptions, type World } from './world.ts'

const HELD = 7
const heldNano = (index: number): Nano => (38_950 - index * 2_310) as Nano
const HISTORY_DAYS = 120

const earned = (data: Series): Nano => (data.summary.grossNano - data.summary.feeNano) as Nano

export const earningsPart = ({ full, earnedAt }: World, { year, seriesAfter }: FakeCoreOptions) => ({
  summary: os.earnings.summary.handler(
    ({ input }) => year?.earnings.summary(input) ?? series(full, input, earnedAt()).summary,
  ),
  series: os.earnings.series.handler(async ({ input }) => {
    await seriesAfter?.()
    return year?.earnings.series(input) ?? series(full, input, earnedAt())
  }),
  week: os.earnings.week.handler(({ input }) => {
    if (year !== undefined) return year.earnings.week(input)
    const now = earnedAt()
    const data = series(full, input, now)
    const hour = (index: number) => ({
      earnedNano: (full ? Math.round((earned(data) / 168) * wobble(index)) : 0) as Nano,
      costNano: full ? (1_000 as Nano) : null,
      onMs: full ? 3_600_000 : 0,
      listedMs: full && index % 24 > 5 ? 3_600_000 : 0,
      servedMs: 0,
      busyMs: full ? 900_000 : 0,
    })
    const hours = Array.from({ length: 168 }, (_, index) => hour(index))
    return { venueId: VENUE, currency: 'PCR', powerCurrency: 'EUR', at: now, range: data.range, hours }
  }),
  history: os.earnings.history.handler(({ input: { zone } }) => {
    if (year !== undefined) return year.earnings.history(zone)
    const at = earnedAt()
    const days = Array.from({ length: full ? HISTORY_DAYS : 0 }, (_, index) => ({
      date: dateOf(at - (HISTORY_DAYS - 1 - index) * DAY_MS, zone),
      earnedNano: Math.round(3e7 * wobble(index)) as Nano,
    }))
    return { venueId: VENUE, at, zone, days }
  }),
  releases: os.earnings.releases.handler(({ input: { zone } }) => {
    if (year !== undefined) return year.earnings.releases(zone)
    const at = Date.now()
    const sum = Array.from({ length: HELD }, (_, index) => heldNano(index)).reduce((total, each) => total + each, 0)
    const sources = [
      { source: NANO_GRADE, heldNano: (sum - 20_000) as Nano },
      { source: MICRO_GRADE, heldNano: 20_000 as Nano },
    ]
    return {
      venueId: VENUE,
      at,
      zone,
      days: full ? [{ date: dateOf(at, zone), at, jobs: HELD, sources }] : [],
      laterNano: 0,
    }
  }),
  marks: os.earnings.marks.handler(({ input }) => year?.earnings.marks(input) ?? { marks: [], leftOut: 0 }),
  held: os.earnings.held.handler(
    () =>
      year?.earnings.held() ??
      (full
        ? Array.from({ length: HELD }, (_, index) => ({
            venueId: VENUE,
            jobId: job(index + 2, Date.now(), 'settled', 0).jobId,
            instrument: NANO_GRADE,
            amountNano: heldNano(index),
            releaseAt: Date.now() + 4_000 + index * 3_700,
            reason: said('held by the exchange until its release'),
          }))
        : []),
  ),
  csv: os.earnings.csv.handler(
    ({ input }) => year?.earnings.csv(input) ?? { fileName: 'stoker-practice.csv', csv: csv(full, input, earnedAt()) },
  ),
})
