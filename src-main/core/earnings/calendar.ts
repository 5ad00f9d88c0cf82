/**
 * The calendar of a time zone, and the only place where time is cut (decision 16). Every cut lies on a UTC quarter hour,
 * the finest step of what is stored. Temporal's polyfill knows the zones: Node 24 has no Temporal of its own.
 */
import { Temporal } from 'temporal-polyfill'

import type { BucketSize } from '#contract/earnings.ts'
import { fail, type StokerError } from '#contract/errors.ts'
import { HOUR_MS, QUARTER_MS, type EpochMs } from '#contract/time.ts'

const NANO_PER_MS = 1_000_000
/** More than fifty years of summer time. */
const STRETCHES_MAX = 128

const zoned = (at: EpochMs, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
const offsetAt = (at: EpochMs, zone: string): number => zoned(at, zone).offsetNanoseconds / NANO_PER_MS

/** The name as the IANA list spells it. Error: BAD_REQUEST for what it does not have, and for a fixed offset. */
export function checkedZone(name: string): string {
  const refused = (cause?: unknown): StokerError =>
    fail('range.zone', { zone: name.slice(0, 64) }, { data: { zone: name.slice(0, 64) }, cause })
  // A fixed offset is wrong for half the year wherever clocks change.
  if (!/^[A-Za-z]/.test(name)) throw refused()
  try {
    return zoned(0, name).timeZoneId
  } catch (error) {
    throw refused(error)
  }
}

/** The first quarter hour that begins at or after `at`. */
export const quarterFrom = (at: EpochMs): EpochMs => Math.ceil(at / QUARTER_MS) * QUARTER_MS
/** The quarter hour that `at` lies in. */
export const quarterOf = (at: EpochMs): EpochMs => Math.floor(at / QUARTER_MS) * QUARTER_MS

/**
 * Start of the bucket that the quarter hour at `at` lies in. A day or month begins at the first instant of its date; an
 * hour where the local clock shows a full one, or where its offset changes.
 */
export function bucketStart(at: EpochMs, bucket: BucketSize, zone: string): EpochMs {
  if (bucket === 'quarter') return quarterOf(at)
  if (bucket === 'hour') return hourStart(at, zone)
  const date = zoned(at, zone).toPlainDate()
  return startOfDate(bucket === 'day' ? date : date.with({ day: 1 }), zone)
}

/** Start of the bucket after the one that starts at `start`. */
export function nextBucket(start: EpochMs, bucket: BucketSize, zone: string): EpochMs {
  if (bucket === 'quarter') return start + QUARTER_MS
  if (bucket === 'hour') return nextHour(start, zone)
  return dateAfter(start, bucket, 1, zone)
}

/** Start of the date so many days or months after the one `start` lies in; negative counts go back. */
export function dateAfter(start: EpochMs, unit: 'day' | 'month', count: number, zone: string): EpochMs {
  const date = zoned(start, zone).toPlainDate()
  return startOfDate(unit === 'day' ? date.add({ days: count }) : date.with({ day: 1 }).add({ months: count }), zone)
}

/** Start of a date such as `2026-11-21`. Error: BAD_REQUEST for what no calendar has (`2026-02-30`). */
export function dayStart(date: string, zone: string): EpochMs {
  try {
    return startOfDate(Temporal.PlainDate.from(date, { overflow: 'reject' }), zone)
  } catch (error) {
    throw fail('range.date', { date: date.slice(0, 16) }, { cause: error })
  }
}

/** The date by the zone's clock: `2026-11-21`. */
export const dateOf = (at: EpochMs, zone: string): string => localTime(at, zone).slice(0, 10)

/** Stretches of [from, to) in which the zone's offset is the same, each with it; at most STRETCHES_MAX. */
export function offsetsBetween(
  from: EpochMs,
  to: EpochMs,
  zone: string,
): { from: EpochMs; to: EpochMs; offset: number }[] {
  const stretches: { from: EpochMs; to: EpochMs; offset: number }[] = []
  for (let start = from; start < to;) {
    if (stretches.length === STRETCHES_MAX) throw fail('range.tooFine', { max: STRETCHES_MAX, bucket: 'hour' })
    const change = zoned(start, zone).getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity
    const end = Math.min(to, quarterFrom(change))
    stretches.push({ from: start, to: end, offset: offsetAt(start, zone) })
    start = end
  }
  return stretches
}

/** Before 1972 some offsets had seconds: the day then begins with the next quarter hour. */
const startOfDate = (date: Temporal.PlainDate, zone: string): EpochMs =>
  quarterFrom(date.toZonedDateTime(zone).epochMilliseconds)

const sinceFullHour = (at: EpochMs, offset: number): number => (((at + offset) % HOUR_MS) + HOUR_MS) % HOUR_MS

function hourStart(at: EpochMs, zone: string): EpochMs {
  const offset = offsetAt(at, zone)
  const full = quarterFrom(at - sinceFullHour(at, offset))
  let start = quarterOf(at)
  while (start > full && offsetAt(start - QUARTER_MS, zone) === offset) start -= QUARTER_MS
  return start
}

function nextHour(start: EpochMs, zone: string): EpochMs {
  const offset = offsetAt(start, zone)
  const full = quarterFrom(start + HOUR_MS - sinceFullHour(start, offset))
  let next = start + QUARTER_MS
  while (next < full && offsetAt(next, zone) === offset) next += QUARTER_MS
  return next
}

/** ISO 8601 with the offset of that moment: `2026-11-21T13:00:00+01:00`. */
export const localTime = (at: EpochMs, zone: string): string =>
  zoned(at, zone).toString({ timeZoneName: 'never', smallestUnit: 'second' })
