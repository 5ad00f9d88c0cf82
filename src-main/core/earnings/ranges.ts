/**
 * Ranges as they are asked for, resolved and cut. A range holds the quarter hours that begin in it, and every one of
 * them lies in exactly one of its buckets: so any two ways to cut the same range have the same sum.
 */
import type { CutRange, RangeAsked, SpanName } from '#contract/earnings.ts'
import { fail } from '#contract/errors.ts'
import { DAY_MS, HOUR_MS, type EpochMs } from '#contract/time.ts'

import { bucketStart, checkedZone, dateAfter, nextBucket, quarterFrom, quarterOf } from './calendar.ts'

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

/** The range meant. Errors: BAD_REQUEST for an unknown zone, an end before its start, an end beyond the year 2999. */
export function resolveRange(asked: RangeAsked, now: EpochMs): CutRange {
  const zone = checkedZone(asked.zone)
  if ('span' in asked) {
    const named = SPANS[asked.span](quarterOf(now), zone)
    return { ...named, bucket: asked.bucket ?? named.bucket, zone }
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

/** The quarter hours that begin in the day (86,400 s) up to `now`: what "24 h" is where no chart is drawn. */
export const lastDay = (now: EpochMs): { from: EpochMs; to: EpochMs } => ({
  from: quarterFrom(now - DAY_MS),
  to: quarterFrom(now + 1),
})
