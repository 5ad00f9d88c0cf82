/** What each day of the last year earned, and on which day what is held is released. */
import type { History, Releases } from '#contract/earnings.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'

import { dateAfter, dateOf, bucketStart } from './calendar.ts'
import type { SeriesContext } from './earnings-series.ts'
import { bucketsOf } from './ranges.ts'
import { earnedBetween, firstQuarter, heldJobs, heldNano } from './rollups.store.ts'

const DAYS = 365
/** Released first; what comes after them is one sum. */
const HELD_READ = 5_000
const RELEASE_DAYS = 62

export function historyOf({ venueId, realmDb }: SeriesContext, zone: string, now: EpochMs): History {
  const earliest = dateAfter(now, 'day', 1 - DAYS, zone)
  const first = firstQuarter(realmDb.read, earliest)
  const to = dateAfter(now, 'day', 1, zone)
  const from = first === null || first >= to ? to : bucketStart(first, 'day', zone)
  const days = bucketsOf({ from, to, bucket: 'day', zone }).map(({ at, end }) => ({
    date: dateOf(at, zone),
    earnedNano: earnedBetween(realmDb.read, at, end),
  }))
  return { venueId, at: now, zone, days }
}

export function releasesOf({ venueId, realmDb }: SeriesContext, zone: string, now: EpochMs): Releases {
  const read = heldJobs(realmDb.read, HELD_READ + 1)
  const rows = read.slice(0, HELD_READ)
  const until = dateAfter(now, 'day', RELEASE_DAYS, zone)
  const days = new Map<string, { at: EpochMs; jobs: number; sources: Map<string, number> }>()
  let shown = 0
  for (const { instrument, amountNano, releaseAt } of rows) {
    if (releaseAt >= until) continue
    const at = Math.max(releaseAt, now)
    const date = dateOf(at, zone)
    const day = days.get(date) ?? { at: bucketStart(at, 'day', zone), jobs: 0, sources: new Map<string, number>() }
    day.jobs += 1
    day.sources.set(instrument, (day.sources.get(instrument) ?? 0) + amountNano)
    days.set(date, day)
    shown += amountNano
  }
  const all = read.length > HELD_READ ? heldNano(realmDb.read) : rows.reduce((sum, row) => sum + row.amountNano, 0)
  return {
    venueId,
    at: now,
    zone,
    days: [...days]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([date, { at, jobs, sources }]) => ({
        date,
        at,
        jobs,
        sources: [...sources]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([source, held]) => ({ source, heldNano: nano(held) })),
      })),
    laterNano: nano(Math.max(0, all - shown)),
  }
}
