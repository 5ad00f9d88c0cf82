import { describe, expect, it } from 'vitest'

import { nanoAmount, nanoSigned } from '#contract/primitives.ts'
import type { Series } from '#contract/earnings.ts'
import { csvFileName, seriesCsv } from '#core/earnings/csv.ts'
import { shownAmount } from '#core/earnings/shown-amount.ts'

import { parseCsv } from './parse-csv.ts'
import { VENUE } from '#test/support/venue.ts'

const range = {
  from: Date.UTC(2026, 10, 20, 23),
  to: Date.UTC(2026, 10, 21, 23),
  bucket: 'day' as const,
  zone: 'Europe/Berlin',
}
const bucket: Series['buckets'][number] = {
  at: range.from,
  end: range.to,
  startLocal: '2026-11-21T00:00:00+01:00',
  begun: true,
  income: [],
  used: { onMs: 900_000, listedMs: 800_000, servedMs: 700_000, busyMs: 600_000 },
  power: { joules: 0, costNano: null, coveredShare: 0, gpus: [] },
}
const seriesWith = (change: Partial<Series>): Series => ({
  venueId: VENUE,
  realm: 'practice',
  currency: 'PCR',
  powerCurrency: 'EUR',
  powerMethod: '',
  at: 0,
  range,
  by: 'instrument',
  buckets: [],
  summary: {} as Series['summary'],
  sources: [],
  previous: {} as Series['summary'],
  ...change,
})

describe('CSV', () => {
  it('holds exact integers beside shown values, UTC and local time, and electricity on a line of its own', () => {
    const series = seriesWith({
      powerMethod: 'odd, "method"',
      buckets: [
        {
          ...bucket,
          income: [
            {
              source: 'practice/text-nano',
              jobs: 3,
              inputTokens: 10,
              outputTokens: 20,
              grossNano: nanoAmount.parse(40_120),
              feeNano: nanoAmount.parse(2_006),
              heldNano: nanoAmount.parse(0),
              availableNano: nanoAmount.parse(38_114),
              writtenOffNano: nanoAmount.parse(0),
            },
          ],
          power: {
            joules: 1_234.5678,
            costNano: nanoSigned.parse(102_880),
            coveredShare: 0.33333,
            gpus: [{ gpu: 'GPU-1a', joules: 1_000, costNano: nanoSigned.parse(83_333) }],
          },
        },
        { ...bucket, at: range.to, begun: false },
      ],
    })
    const csv = seriesCsv(series, 9)
    expect(csv.endsWith('\r\n')).toBe(true)
    const when = ['2026-11-20T23:00:00Z', '2026-11-21T23:00:00Z', '2026-11-21T00:00:00+01:00', 'Europe/Berlin']
    const where = ['practice', 'practice', 'PCR', 'day', ...when]
    const blanks = (count: number): string[] => Array.from({ length: count }, () => '')
    const money = ['40120', '0.00004012', '2006', '0.000002006', '0', '0', '38114', '0.00003811', '0', '0']
    const times = ['900000', '800000', '700000', '600000']
    expect(parseCsv(csv).slice(1)).toEqual([
      ['income', ...where, 'instrument', 'practice/text-nano', '3', '10', '20', ...money, ...blanks(9)],
      ['electricity', ...where, ...blanks(15), ...times, '1234.568', 'EUR', '102880', '0.0001029', '0.333'],
      ['electricity of a gpu', ...where, 'gpu', 'GPU-1a', ...blanks(17), '1000', 'EUR', '83333', '0.00008333', ''],
    ])
    const [header = [], ...lines] = parseCsv(csv)
    for (const line of lines) expect(line).toHaveLength(header.length)
  })

  it('quotes what has a comma, a quote or a line break', () => {
    const series = seriesWith({
      realm: 'a,b' as 'practice',
      currency: 'P"CR',
      powerCurrency: 'E\r\nUR',
      buckets: [bucket],
    })
    const [, line = []] = parseCsv(seriesCsv(series, 9))
    expect([line[2], line[3], line[29]]).toEqual(['a,b', 'P"CR', 'E\r\nUR'])
  })

  it('names the file by the days inside', () =>
    expect(csvFileName(seriesWith({}))).toBe('stoker-practice-2026-11-21-to-2026-11-21-by-day.csv'))
})

describe('shown amounts', () => {
  it.each([
    [0, '0'],
    [1, '0.000000001'],
    [40_123, '0.00004012'],
    [99_995, '0.00010000'],
    [123_456_789, '0.1235'],
    [99_999_999, '0.10000'],
    [1_500_000_000, '1.5000'],
    [-3_500_000_000, '-3.5000'],
    [999_999_999_999, '1000.0000'],
    [1_234_567_890_000, '1234.57'],
    [2 ** 51, '2251799.81'],
  ])('%i is %s', (nano, text) => expect(shownAmount(nano, 9)).toBe(text))

  it('never shows something earned as nought', () => {
    for (let nano = 1; nano < 1e12; nano = nano * 3 + 1) expect(Number(shownAmount(nano, 9))).toBeGreaterThan(0)
  })
})
