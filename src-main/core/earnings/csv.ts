/**
 * The series as CSV (RFC 4180): exact nano integers beside shown values, UTC and local time, zone, realm and currency on
 * every line. The rows are those of the table on screen: buckets that have begun.
 */
import type { Series } from '#contract/earnings.ts'
import { POWER_SCALE } from '#contract/power-currencies.ts'
import type { EpochMs } from '#contract/time.ts'

import { localTime } from './calendar.ts'
import { shownAmount } from './shown-amount.ts'

type Cell = string | number | null

/**
 * Income lines and electricity lines alternate: a bucket's energy belongs to no instrument, model or deployment, so it
 * has a line of its own. A line of one GPU is a part of the electricity line before it: sum one kind or the other.
 */
const CSV_HEADER = [
  'row',
  'venue',
  'realm',
  'currency',
  'bucket',
  'start_utc',
  'end_utc',
  'start_local',
  'zone',
  'by',
  'source',
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
  'written_off_nano',
  'written_off',
  'on_ms',
  'listed_ms',
  'served_ms',
  'busy_ms',
  'power_joules',
  'power_currency',
  'power_cost_nano',
  'power_cost',
  'power_covered_share',
] as const

const INCOME_CELLS = 15
const USED_CELLS = 4
const POWER_CELLS = 5

/** RFC 4180 section 2: quotes around anything with a comma, quote or line break, quotes inside doubled. */
const cell = (value: Cell): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
const line = (cells: readonly Cell[]): string => `${cells.map(cell).join(',')}\r\n`
const blanks = (count: number): null[] => Array.from({ length: count }, () => null)

const utc = (at: EpochMs): string => new Date(at).toISOString().replace('.000Z', 'Z')

const thousandths = (value: number): number => Math.round(value * 1_000) / 1_000

/** `scale` is that of the unit the series is in. */
export function seriesCsv(series: Series, scale: number): string {
  const { bucket: size, zone } = series.range
  const lines: string[] = [line(CSV_HEADER)]
  for (const bucket of series.buckets.filter(({ begun }) => begun)) {
    const head = [
      series.venueId,
      series.realm,
      series.currency,
      size,
      utc(bucket.at),
      utc(bucket.end),
      bucket.startLocal,
      zone,
    ]
    for (const row of bucket.income) {
      const money = [row.grossNano, row.feeNano, row.heldNano, row.availableNano, row.writtenOffNano].flatMap(
        (nano) => [nano, shownAmount(nano, scale)],
      )
      lines.push(
        line([
          'income',
          ...head,
          series.by,
          row.source,
          row.jobs,
          row.inputTokens,
          row.outputTokens,
          ...money,
          ...blanks(USED_CELLS + POWER_CELLS),
        ]),
      )
    }
    const energy = (joules: number, costNano: number | null): Cell[] => [
      thousandths(joules),
      series.powerCurrency,
      costNano,
      costNano === null ? null : shownAmount(costNano, POWER_SCALE),
    ]
    const { joules, costNano, coveredShare, gpus } = bucket.power
    const { onMs, listedMs, servedMs, busyMs } = bucket.used
    lines.push(
      line([
        'electricity',
        ...head,
        ...blanks(INCOME_CELLS),
        onMs,
        listedMs,
        servedMs,
        busyMs,
        ...energy(joules, costNano),
        thousandths(coveredShare),
      ]),
    )
    for (const { gpu, joules, costNano } of gpus)
      lines.push(
        line([
          'electricity of a gpu',
          ...head,
          'gpu',
          gpu,
          ...blanks(INCOME_CELLS - 2 + USED_CELLS),
          ...energy(joules, costNano),
          null,
        ]),
      )
  }
  return lines.join('')
}

const day = (at: EpochMs, zone: string): string => localTime(at, zone).slice(0, 10)

/** `stoker-practice-2026-11-01-to-2026-11-21-by-day.csv`: the last day is the last one inside. */
export const csvFileName = ({ realm, range: { from, to, bucket, zone } }: Series): string =>
  `stoker-${realm}-${day(from, zone)}-to-${day(Math.max(from, to - 1), zone)}-by-${bucket}.csv`
