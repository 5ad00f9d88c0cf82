/**
 * Ranges as they are asked for, resolved and cut. A range holds the quarter hours that begin in it, and every one of
 * them lies in exactly one of its buckets: so any two ways to cut the same range have the same sum.
 */
import type { CutRange, RangeAsked, SpanName } from '#contract/earnings.ts'
import { fail } from '#contract/errors.ts'
import { DAY_MS, HOUR_MS, type EpochMs } from '#contract/time.ts'

import { bucketStart, checkedZone, dateAfter, dayStart, nextBucket, quarterFrom, quarterOf } from './calendar.ts'

export interface TimeBucket {
  at: EpochMs
  end: EpochMs
}

const BUCKETS_MAX = 2_000
/** Beyond it calendars are guesses, and the arithmetic of dates ends not far away. */
const LATEST = Date.UTC(3000, 0)

type Resolve = (now: EpochMs, zone: string) => Omit<CutRange, 'zone'>

const lastHours =
  (hours: number): Resolve =>
  (now, zone) => {
    const to = nextBucket(bucketStart(now, 'hour', zone), 'hour', zone)
    return { from: to - hours * HOUR_MS, to, bucket: 'hour' }
  }
const lastDays =
  (days: number, bucket: 'hour' | 'day'): Resolve =>
  (now, zone) => ({ from: dateAfter(now, 'day', 1 - days, zone), to: dateAfter(now, 'day', 1, zone), bucket })

/** Whole hours, days or months up to and with the one that runs now. */
const SPANS: Readonly<Record<SpanName, Resolve>> = {
  '6h': lastHours(6),
  '24h': lastHours(24),
  today: lastDays(1, 'hour'),
  '7d': lastDays(7, 'day'),
  '30d': lastDays(30, 'day'),
  '1y': (now, zone) => ({
    from: dateAfter(now, 'month', -11, zone),
    to: dateAfter(now, 'month', 1, zone),
    bucket: 'month',
  }),
}

/** The days of one date and another, both included: by hour up to three days, by month beyond 120. */
function daysBetween(firstDay: string, lastDay: string, zone: string): Omit<CutRange, 'zone'> {
  const from = dayStart(firstDay, zone)
  const to = dateAfter(dayStart(lastDay, zone), 'day', 1, zone)
  if (to <= from || to > LATEST) throw fail(to <= from ? 'range.empty' : 'range.tooLate', {}, { data: { from, to } })
  const days = (to - from) / DAY_MS
  return { from, to, bucket: days < 3.5 ? 'hour' : days < 120.5 ? 'day' : 'month' }
}

/** The range meant. Errors: BAD_REQUEST for an unknown zone, an end before its start, an end beyond the year 2999. */
export function resolveRange(asked: RangeAsked, now: EpochMs): CutRange {
  const zone = checkedZone(asked.zone)
  if ('span' in asked) {
    const named = SPANS[asked.span](quarterOf(now), zone)
    return { ...named, bucket: asked.bucket ?? named.bucket, zone }
  }
  if ('firstDay' in asked) {
    const days = daysBetween(asked.firstDay, asked.lastDay, zone)
    return { ...days, bucket: asked.bucket ?? days.bucket, zone }
  }
  const { from, to } = asked
  if (to <= from || to > LATEST) throw fail(to <= from ? 'range.empty' : 'range.tooLate', {}, { data: { from, to } })
  return { from: quarterFrom(from), to: quarterFrom(to), bucket: asked.bucket ?? 'day', zone }
}

/**
 * All buckets of a range, empty ones too: a gap is drawn as a gap. The first and the last end where the range does.
 * Error: BAD_REQUEST for more than BUCKETS_MAX.
 */
export function bucketsOf({ from, to, bucket, zone }: CutRange): TimeBucket[] {
  const buckets: TimeBucket[] = []
  // Not even one where no quarter hour begins in the range.
  for (let start = bucketStart(from, bucket, zone); Math.max(from, start) < to;) {
    if (buckets.length === BUCKETS_MAX) throw fail('range.tooFine', { max: BUCKETS_MAX, bucket }, { data: { bucket } })
    const next = nextBucket(start, bucket, zone)
    buckets.push({ at: Math.max(from, start), end: Math.min(to, next) })
    start = next
  }
  return buckets
}

/** Whether both ends lie on the first of a month. */
const isWholeMonths = ({ from, to, zone }: CutRange): boolean =>
  bucketStart(from, 'month', zone) === from && bucketStart(to, 'month', zone) === to
const isWholeDays = ({ from, to, zone }: CutRange): boolean =>
  bucketStart(from, 'day', zone) === from && bucketStart(to, 'day', zone) === to
/** A mean month: over a century of months the sum is never half a month off. */
const MONTH_MS = 30.436_875 * DAY_MS

/**
 * The period before, as many months, days or hours long. While the range still runs only as much of the period before
 * counts as has run of this one: half a day is compared with half a day.
 */
export function periodBefore(range: CutRange, now: EpochMs): CutRange {
  const { from, to, zone } = range
  const back = ((): ((at: EpochMs) => EpochMs) => {
    const count = (unit: number): number => Math.round((to - from) / unit)
    if (isWholeMonths(range)) return (at) => dateAfter(at, 'month', -count(MONTH_MS), zone)
    if (isWholeDays(range)) return (at) => dateAfter(at, 'day', -count(DAY_MS), zone)
    return (at) => at - (to - from)
  })()
  const start = back(from)
  const ran = now < to ? Math.max(0, quarterFrom(now) - from) : Infinity
  const end = Math.min(from, start + ran)
  return { ...range, from: start, to: Math.max(end, start) }
}

/** The quarter hours that begin in the day (86,400 s) up to `now`: what "24 h" is where no chart is drawn. */
export const lastDay = (now: EpochMs): { from: EpochMs; to: EpochMs } => ({
  from: quarterFrom(now - DAY_MS),
  to: quarterFrom(now + 1),
})
