/**
 * The series as CSV (RFC 4180): exact nano integers beside shown values, UTC and local time, realm and currency on
 * every line.
 */
import type { Series } from '#contract/earnings.ts'
import { POWER_SCALE } from '#contract/power-currencies.ts'
import { MINUTE_MS, type EpochMs } from '#contract/time.ts'

import type { Range } from './buckets.ts'
import { shownAmount } from './shown-amount.ts'

type Cell = string | number | null

/**
 * Income lines and electricity lines alternate: a bucket's energy belongs to no instrument, so it has a line of its
 * own.
 */
const CSV_HEADER = [
  'row',
  'realm',
  'currency',
  'bucket',
  'start_utc',
  'start_local',
  'instrument',
  'jobs',
  'input_tokens',
  'output_tokens',
  'gross_nano',
  'gross',
  'fee_nano',
  'fee',
  'held_nano',
  'held',
  'available_nano',
  'available',
  'power_joules',
  'power_currency',
  'power_cost_nano',
  'power_cost',
  'power_covered_share',
] as const

const INCOME_CELLS = 12
const POWER_CELLS = 5

/** RFC 4180 section 2: quotes around anything with a comma, quote or line break, quotes inside doubled. */
const cell = (value: Cell): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
const line = (cells: readonly Cell[]): string => `${cells.map(cell).join(',')}\r\n`
const blanks = (count: number): null[] => Array.from({ length: count }, () => null)

const utc = (at: EpochMs): string => new Date(at).toISOString().replace('.000Z', 'Z')

/** ISO 8601 with the offset: `2026-11-21T13:00:00+01:00`. */
export function localTime(at: EpochMs, offsetMinutes: number): string {
  const size = Math.abs(offsetMinutes)
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`
  return new Date(at + offsetMinutes * MINUTE_MS).toISOString().replace(/\.\d{3}Z$/, offset)
}

/** `scale` is that of the unit the series is in. */
export function seriesCsv(series: Series, range: Range, scale: number): string {
  const lines: string[] = [line(CSV_HEADER)]
  for (const bucket of series.buckets) {
    const head = [
      series.realm,
      series.currency,
      range.bucket,
      utc(bucket.at),
      localTime(bucket.at, range.offsetMinutes),
    ]
    for (const row of bucket.byInstrument) {
      const money = [row.grossNano, row.feeNano, row.heldNano, row.availableNano].flatMap((nano) => [
        nano,
        shownAmount(nano, scale),
      ])
      lines.push(
        line([
          'income',
          ...head,
          row.instrument,
          row.jobs,
          row.inputTokens,
          row.outputTokens,
          ...money,
          ...blanks(POWER_CELLS),
        ]),
      )
    }
    const { joules, costNano, coveredShare } = bucket.power
    lines.push(
      line([
        'electricity',
        ...head,
        ...blanks(INCOME_CELLS),
        Math.round(joules * 1_000) / 1_000,
        series.powerCurrency,
        costNano,
        costNano === null ? null : shownAmount(costNano, POWER_SCALE),
        Math.round(coveredShare * 1_000) / 1_000,
      ]),
    )
  }
  return lines.join('')
}

const day = (at: EpochMs, offsetMinutes: number): string => localTime(at, offsetMinutes).slice(0, 10)

/** `stoker-practice-2026-11-01-to-2026-11-21-by-day.csv`: the last day is the last one inside. */
export const csvFileName = (realm: string, { from, to, bucket, offsetMinutes }: Range): string =>
  `stoker-${realm}-${day(from, offsetMinutes)}-to-${day(to - 1, offsetMinutes)}-by-${bucket}.csv`
