import { describe, expect, it } from 'vitest'

import type { BucketSize, Series } from '#contract/earnings.ts'
import type { Nano } from '#contract/money.ts'
import {
  bucketLabels,
  chartRows,
  cumulative,
  highestOf,
  nowLabel,
  sourcesOf,
  tickLabel,
  ticks,
} from '#ui/chart-data.ts'

import { byGpu } from '../../src-renderer/features/earnings/gpu-card.tsx'
import { VENUE } from '#test/support/venue.ts'

const HOUR = 3_600_000
const grade = 'practice/text-nano'
const nano = (value: number): Nano => value as Nano
const FROM = Date.UTC(2026, 10, 21, 10)

type Bucket = Series['buckets'][number]
const used = { onMs: 0, listedMs: 0, servedMs: 0, busyMs: 0 }
/** One bucket an hour from FROM; `begun` up to `read`. */
function series(contents: readonly Pick<Bucket, 'income' | 'power'>[], read = FROM + contents.length * HOUR): Series {
  const buckets = contents.map((content, index) => {
    const at = FROM + index * HOUR
    return {
      ...content,
      used,
      at,
      end: at + HOUR,
      startLocal: new Date(at).toISOString().replace('.000Z', '+00:00'),
      begun: at <= read || content.income.length > 0,
    }
  })
  const range = { from: FROM, to: FROM + contents.length * HOUR, bucket: 'hour' as const, zone: 'UTC' }
  return {
    venueId: VENUE,
    realm: 'practice',
    currency: 'PCR',
    powerCurrency: 'EUR',
    powerMethod: 'estimate',
    at: read,
    range,
    by: 'instrument',
    buckets,
    summary: {} as Series['summary'],
    sources: [],
    previous: {} as Series['summary'],
  }
}
const EMPTY: Pick<Bucket, 'income' | 'power'> = {
  income: [],
  power: { joules: 0, costNano: null, coveredShare: 0, gpus: [] },
}
const earned = (available: number, held: number): Pick<Bucket, 'income' | 'power'> => ({
  income: [
    {
      source: grade,
      jobs: 1,
      inputTokens: 10,
      outputTokens: 5,
      grossNano: nano(available + held),
      feeNano: nano(0),
      heldNano: nano(held),
      availableNano: nano(available),
      writtenOffNano: nano(0),
    },
  ],
  power: { joules: 1, costNano: nano(7), coveredShare: 1, gpus: [] },
})

describe('chart rows', () => {
  it('are the buckets of the core, one for one; hours the rig was off are marked, not those before it or to come', () => {
    const read = series([EMPTY, earned(5, 0), EMPTY, earned(0, 2), EMPTY, EMPTY], FROM + 4 * HOUR)
    const rows = chartRows(read)
    expect(rows.map(({ at }) => at)).toEqual(read.buckets.map(({ at }) => at))
    expect(rows.map((row) => row.off)).toEqual([false, false, true, false, true, false])
    expect(rows.map((row) => row.begun)).toEqual([true, true, true, true, true, false])
    expect(rows[1]?.available[grade]).toBe(5)
    expect(rows[3]?.held[grade]).toBe(2)
    expect(rows[2]?.power).toBeNull()
  })

  it('keep available and held apart in running sums and stop at what has begun', () => {
    const rows = chartRows(series([earned(5, 1), earned(3, 2), EMPTY, EMPTY], FROM + HOUR))
    expect(cumulative(rows).map(({ available, held, power }) => [available, held, power])).toEqual([
      [5, 1, 7],
      [8, 3, 14],
    ])
  })

  it('lose nothing of a bucket that the exchange’s clock filled before ours reached it', () => {
    const rows = chartRows(series([earned(5, 0), EMPTY, earned(3, 0), EMPTY], FROM))
    expect(rows.map((row) => row.begun)).toEqual([true, false, true, false])
    expect(cumulative(rows).at(-1)?.available).toBe(8)
  })

  it('the axis reaches the taller of available and held, never their sum', () =>
    expect(highestOf(chartRows(series([earned(5, 4), earned(2, 7)])))).toBe(7))

  it('the present is marked in the bucket that ran when it was read, and not where nothing follows', () => {
    const read = series([earned(1, 0), EMPTY, EMPTY], FROM + HOUR + 5)
    expect(nowLabel(read, chartRows(read))).toBe('11:00')
    const last = series([earned(1, 0), EMPTY], FROM + HOUR + 5)
    expect(nowLabel(last, chartRows(last))).toBeUndefined()
  })

  it('name each source once', () =>
    expect(sourcesOf(series([earned(1, 0), earned(1, 0)]), (source) => source.toUpperCase())).toEqual([
      { source: grade, name: grade.toUpperCase(), place: 0 },
    ]))
})

describe('electricity by GPU', () => {
  it('is summed over the buckets, and without a price where no part has one', () => {
    const used = (gpus: Bucket['power']['gpus']) => ({ ...EMPTY, power: { ...EMPTY.power, gpus } })
    const read = series([
      used([{ gpu: 'a', joules: 5, costNano: null }]),
      used([
        { gpu: 'a', joules: 1, costNano: nano(3) },
        { gpu: 'b', joules: 9, costNano: null },
      ]),
    ])
    expect(byGpu(read)).toEqual([
      { gpu: 'b', joules: 9, cost: null },
      { gpu: 'a', joules: 6, cost: 3 },
    ])
  })
})

describe('labels', () => {
  it.each<[string, BucketSize, string[], string[]]>([
    ['hours', 'hour', ['2026-11-21T13:00:00+01:00', '2026-11-21T14:00:00+01:00'], ['13:00', '14:00']],
    ['half hours of Kolkata', 'quarter', ['2026-11-21T13:30:00+05:30'], ['13:30']],
    ['days', 'day', ['2026-11-21T00:00:00-03:30'], ['21 Nov']],
    ['months', 'month', ['2026-11-01T00:00:00+14:00'], ['Nov 2026']],
    [
      'an hour that came twice says its offset, the others do not',
      'hour',
      ['2026-10-25T01:00:00+02:00', '2026-10-25T02:00:00+02:00', '2026-10-25T02:00:00+01:00'],
      ['01:00', '02:00 +02:00', '02:00 +01:00'],
    ],
    [
      'hours of several days say the day',
      'hour',
      ['2026-11-21T13:00:00+01:00', '2026-11-22T13:00:00+01:00'],
      ['21 Nov, 13:00 +01:00', '22 Nov, 13:00 +01:00'],
    ],
  ])('%s', (_name, size, starts, labels) => expect(bucketLabels(starts, size)).toEqual(labels))
})

describe('axis', () => {
  it.each([
    [95_000, [0, 50_000, 100_000]],
    [2_996_000, [0, 1_000_000, 2_000_000, 3_000_000]],
    [0, [0]],
  ])('ticks up to %d', (max, expected) => expect(ticks(max)).toEqual(expected))
  it('labels have the decimals of their step, so that two ticks never read the same', () => {
    expect([50_000, 100_000].map((value) => tickLabel(value, 50_000, { scale: 9 }))).toEqual(['0.00005', '0.00010'])
    expect(tickLabel(250_000_000, 250_000_000, { scale: 9 })).toBe('0.25')
    expect([1, 2].map((value) => tickLabel(value * 50, 50, { scale: 2 }))).toEqual(['0.5', '1.0'])
    expect(tickLabel(3, 1, { scale: 0 })).toBe('3')
  })
})
