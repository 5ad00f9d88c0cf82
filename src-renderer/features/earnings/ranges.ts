/** The spans the earnings screen offers, each with its bucket; local time. Pure. */
import { DAY_MS, HOUR_MS } from '#contract/time.ts'
import type { BucketSize } from '#contract/earnings.ts'
import { offsetMinutes, startOfDay } from '#ui/format-time.ts'

export const SPANS = ['24h', '7d', '30d', '1y'] as const
export type Span = (typeof SPANS)[number]

export const SPAN_NAMES: Readonly<Record<Span, { short: string; long: string; bucket: BucketSize }>> = {
  '24h': { short: '24 h', long: 'the last 24 hours', bucket: 'hour' },
  '7d': { short: '7 d', long: 'the last 7 days', bucket: 'day' },
  '30d': { short: '30 d', long: 'the last 30 days', bucket: 'day' },
  '1y': { short: '1 y', long: 'the last 12 months', bucket: 'month' },
}

export interface SpanRange {
  from: number
  to: number
  bucket: BucketSize
  offsetMinutes: number
}

function monthsBack(now: number, months: number): number {
  const date = new Date(startOfDay(now))
  date.setDate(1)
  date.setMonth(date.getMonth() - months)
  return date.getTime()
}

/** Whole local buckets up to and including the one that runs now; steady within an hour, so that queries are reused. */
export function rangeOf(span: Span, now: number): SpanRange {
  const offset = offsetMinutes(now)
  const { bucket } = SPAN_NAMES[span]
  if (span === '24h') {
    const hourStart = Math.floor(now / HOUR_MS) * HOUR_MS
    return { from: hourStart - 23 * HOUR_MS, to: hourStart + HOUR_MS, bucket, offsetMinutes: offset }
  }
  const today = startOfDay(now)
  // Noon of a day lies on that day whatever daylight saving did.
  const back = (days: number): number => startOfDay(today + DAY_MS / 2 - days * DAY_MS)
  const tomorrow = startOfDay(today + DAY_MS * 1.5)
  return {
    from: span === '7d' ? back(6) : span === '30d' ? back(29) : monthsBack(now, 11),
    to: tomorrow,
    bucket,
    offsetMinutes: offset,
  }
}
