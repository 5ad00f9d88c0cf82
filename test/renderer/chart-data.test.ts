import { describe, expect, it } from 'vitest'

import type { Series } from '#contract/earnings.ts'
import type { Nano } from '#contract/money.ts'
import type { Instrument } from '#contract/ids.ts'
import { bucketStarts, chartRows, cumulative, highestOf, instrumentsOf, tickLabel, ticks } from '#ui/chart-data.ts'

const HOUR = 3_600_000
const grade = 'practice/text-nano' as Instrument
const nano = (value: number): Nano => value as Nano

function series(buckets: Series['buckets']): Series {
  return { realm: 'practice', currency: 'PCR', powerCurrency: 'EUR', powerMethod: 'estimate', at: 0, buckets }
}
const bucket = (at: number, available: number, held: number): Series['buckets'][number] => ({
  at,
  byInstrument: [
    {
      instrument: grade,
      jobs: 1,
      inputTokens: 10,
      outputTokens: 5,
      grossNano: nano(available + held),
      feeNano: nano(0),
      heldNano: nano(held),
      availableNano: nano(available),
    },
  ],
  power: { joules: 1, costNano: nano(7), coveredShare: 1 },
})

describe('chart rows', () => {
  const from = 100 * HOUR

  it('has a row for every bucket, marks the hours the rig was off, and not the time before it or after now', () => {
    const rows = chartRows(
      series([bucket(from + HOUR, 5, 0), bucket(from + 3 * HOUR, 0, 2)]),
      from,
      from + 6 * HOUR,
      'hour',
      from + 4 * HOUR,
    )
    expect(rows.map((row) => row.off)).toEqual([false, false, true, false, true, false])
    expect(rows[1]?.available[grade]).toBe(5)
    expect(rows[3]?.held[grade]).toBe(2)
    expect(rows[2]?.power).toBeNull()
  })

  it('keeps available and held apart in running sums and stops at now', () => {
    const rows = chartRows(
      series([bucket(from, 5, 1), bucket(from + HOUR, 3, 2)]),
      from,
      from + 4 * HOUR,
      'hour',
      from + HOUR,
    )
    expect(cumulative(rows, from + HOUR).map(({ available, held, power }) => [available, held, power])).toEqual([
      [5, 1, 7],
      [8, 3, 14],
    ])
  })

  it('the axis reaches the taller of available and held, never their sum', () => {
    const rows = chartRows(
      series([bucket(from, 5, 4), bucket(from + HOUR, 2, 7)]),
      from,
      from + 2 * HOUR,
      'hour',
      from + HOUR,
    )
    expect(highestOf(rows)).toBe(7)
  })

  it('puts a bucket of the core that lies beside a start (daylight saving) into the one it belongs to, losing nothing', () => {
    const rows = chartRows(series([bucket(from + HOUR + 60_000, 5, 0)]), from, from + 3 * HOUR, 'hour', from + 3 * HOUR)
    expect(rows.reduce((sum, row) => sum + (row.available[grade] ?? 0), 0)).toBe(5)
  })

  it('bounds the number of buckets', () => expect(bucketStarts(0, 10_000 * HOUR, 'hour')).toHaveLength(2_000))
  it('names each instrument once', () =>
    expect(instrumentsOf(series([bucket(0, 1, 0), bucket(HOUR, 1, 0)]))).toEqual([grade]))
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
