import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { DAY_MS, HOUR_MS, MINUTE_MS } from '#contract/time.ts'
import type { BucketSize } from '#contract/earnings.ts'
import { bucketStart, bucketStarts, nextBucket } from '#core/earnings/buckets.ts'

const iso = (text: string): number => Date.parse(text)
const bucket = fc.constantFrom<BucketSize>('hour', 'day', 'month')
const at = fc.integer({ min: 0, max: 4e12 })
const offset = fc.integer({ min: -840, max: 840 })

describe('buckets', () => {
  it.each([
    [
      'a day of a viewer east of UTC begins the evening before',
      'day',
      330,
      '2026-03-10T19:00:00Z',
      '2026-03-10T18:30:00Z',
    ],
    ['a day of a viewer west of UTC', 'day', -300, '2026-03-10T04:59:59Z', '2026-03-09T05:00:00Z'],
    ['a month of a viewer far east', 'month', 840, '2026-02-28T10:00:00Z', '2026-02-28T10:00:00Z'],
    ['the millisecond before it', 'month', 840, '2026-02-28T09:59:59.999Z', '2026-01-31T10:00:00Z'],
    ['hours stay on UTC hours whatever the offset', 'hour', 345, '2026-03-10T18:30:00Z', '2026-03-10T18:00:00Z'],
  ] as const)('%s', (_name, size, offsetMinutes, time, start) =>
    expect(bucketStart(iso(time), size, offsetMinutes)).toBe(iso(start)),
  )

  it.each([
    ['2026-01-31', 31],
    ['2026-02-01', 28],
    ['2028-02-29', 29],
    ['2026-04-30', 30],
    ['2026-12-31', 31],
    ['2100-02-10', 28],
  ])('the month of %s has %i days', (date, days) => {
    const start = bucketStart(iso(`${date}T12:00:00Z`), 'month', 0)
    expect(nextBucket(start, 'month', 0) - start).toBe(days * DAY_MS)
  })

  it('keeps empty steps, and stops at two thousand', () => {
    expect(bucketStarts({ from: 0, to: 3 * DAY_MS, bucket: 'day', offsetMinutes: 0 })).toEqual([0, DAY_MS, 2 * DAY_MS])
    expect(bucketStarts({ from: 5, to: 6, bucket: 'day', offsetMinutes: 0 })).toEqual([0])
    expect(bucketStarts({ from: 0, to: 2_000 * HOUR_MS, bucket: 'hour', offsetMinutes: 0 })).toHaveLength(2_000)
    expect(() => bucketStarts({ from: 0, to: 2_000 * HOUR_MS + 1, bucket: 'hour', offsetMinutes: 0 })).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
    expect(() => bucketStarts({ from: 5, to: 5, bucket: 'day', offsetMinutes: 0 })).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
  })

  it('property: a time lies in its bucket, a start is its own bucket, and buckets touch', () => {
    fc.assert(
      fc.property(at, bucket, offset, (time, size, minutes) => {
        const start = bucketStart(time, size, minutes)
        const next = nextBucket(start, size, minutes)
        expect(start <= time && time < next).toBe(true)
        expect(bucketStart(start, size, minutes)).toBe(start)
        expect(bucketStart(next, size, minutes)).toBe(next)
        expect(bucketStart(next - 1, size, minutes)).toBe(start)
      }),
    )
  })

  it('property: local midnight is where days begin', () => {
    fc.assert(
      fc.property(at, offset, (time, minutes) => {
        expect(Math.abs((bucketStart(time, 'day', minutes) + minutes * MINUTE_MS) % DAY_MS)).toBe(0)
      }),
    )
  })
})
