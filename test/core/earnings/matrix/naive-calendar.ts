/**
 * What a clock on the wall of a zone shows, by `Intl` alone: the tests' own reckoning, which shares nothing with the
 * calendar of the core. Slow, and asked quarter hour by quarter hour.
 */
import type { BucketSize, SpanName } from '#contract/earnings.ts'
import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'

export interface LocalParts {
  quarter: string
  /** `2026-11-21 13 GMT+01:00`: a repeated hour is told by its offset. */
  hour: string
  /** `2026-11-21` */
  day: string
  /** `2026-11` */
  month: string
  /** `2026-11-21T13:15:00+01:00` */
  text: string
}

const formats = new Map<string, Intl.DateTimeFormat>()
const seen = new Map<string, LocalParts>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const two = '2-digit'
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
    timeZoneName: 'longOffset',
  })
  formats.set(zone, made)
  return made
}

export function localParts(at: number, zone: string): LocalParts {
  const key = `${zone} ${at}`
  const known = seen.get(key)
  if (known !== undefined) return known
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'timeZoneName', string>
  const month = `${parts.year}-${parts.month}`
  const day = `${month}-${parts.day}`
  const offset = parts.timeZoneName === 'GMT' ? '+00:00' : parts.timeZoneName.slice(3)
  const text = `${day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`
  const made = { quarter: text, hour: `${day} ${parts.hour} ${parts.timeZoneName}`, day, month, text }
  seen.set(key, made)
  return made
}

export interface NaiveBucket {
  at: number
  end: number
  startLocal: string
}

export interface NaiveRange {
  from: number
  to: number
  bucket: BucketSize
  buckets: NaiveBucket[]
}

const BUCKETS: Readonly<Record<SpanName, BucketSize>> = {
  '6h': 'hour',
  '24h': 'hour',
  today: 'hour',
  '7d': 'day',
  '30d': 'day',
  '1y': 'month',
}
const DAYS = { today: 1, '7d': 7, '30d': 30 } as const
/** No zone is further from UTC, and no span is longer. */
const FURTHEST_MS = DAY_MS
const LONGEST_MS = 367 * DAY_MS

const dateBefore = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00Z`) - days * DAY_MS).toISOString().slice(0, 10)
const monthBefore = (month: string, months: number): string => {
  const [year = 0, number = 0] = month.split('-').map(Number)
  return new Date(Date.UTC(year, number - 1 - months, 1)).toISOString().slice(0, 7)
}

/** Whether a quarter hour lies in the span as it is at `now`: by the date on the wall, or by the hour that runs now. */
function belongs(span: SpanName, zone: string, now: number): (quarter: number) => boolean {
  const today = localParts(now, zone)
  if (span === '1y') {
    const months = new Set(Array.from({ length: 12 }, (_, back) => monthBefore(today.month, back)))
    return (quarter) => months.has(localParts(quarter, zone).month)
  }
  if (span !== '24h' && span !== '6h') {
    const days = new Set(Array.from({ length: DAYS[span] }, (_, back) => dateBefore(today.day, back)))
    return (quarter) => days.has(localParts(quarter, zone).day)
  }
  let end = Math.floor(now / QUARTER_MS) * QUARTER_MS
  const hour = localParts(end, zone).hour
  while (localParts(end, zone).hour === hour) end += QUARTER_MS
  const from = end - (span === '24h' ? 24 : 6) * HOUR_MS
  return (quarter) => quarter >= from && quarter < end
}

/** The span as it is at `now`, found by looking at every quarter hour that could lie in it. */
export function naiveRange(span: SpanName, zone: string, now: number): NaiveRange {
  const isIn = belongs(span, zone, now)
  const bucket = BUCKETS[span]
  const longest = span === '1y' ? LONGEST_MS : span === '30d' ? 32 * DAY_MS : 9 * DAY_MS
  // The rest of the running day or month lies ahead.
  const ahead = bucket === 'month' ? 32 * DAY_MS : FURTHEST_MS + DAY_MS
  const first = Math.floor((now - longest) / QUARTER_MS) * QUARTER_MS
  const buckets: (NaiveBucket & { key: string })[] = []
  for (let quarter = first; quarter < now + ahead; quarter += QUARTER_MS) {
    if (!isIn(quarter)) continue
    const parts = localParts(quarter, zone)
    const last = buckets.at(-1)
    if (last?.key === parts[bucket]) last.end = quarter + QUARTER_MS
    else buckets.push({ key: parts[bucket], at: quarter, end: quarter + QUARTER_MS, startLocal: parts.text })
  }
  return {
    from: buckets[0]?.at ?? 0,
    to: buckets.at(-1)?.end ?? 0,
    bucket,
    buckets: buckets.map(({ key: _key, ...rest }) => rest),
  }
}
