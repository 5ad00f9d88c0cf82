/**
 * Tile = chart = table = CSV = books, for every zone, span and moment of the matrix. Each cell names what differs; a
 * cell without a difference says how many buckets and jobs were compared.
 */
import type { SpanName, Summary } from '#contract/earnings.ts'
import { createEarnings } from '#core/earnings/index.ts'
import { energyBetween, energyByWeekHour, gpuEnergyBetween, methodsBetween } from '#core/power/power.store.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { chartRows, cumulative, type ChartRow } from '#ui/chart-data.ts'

import { parseCsv } from '../parse-csv.ts'
import { oracleOf, sumsOf, type Oracle, type Sums } from './books-oracle.ts'
import { localParts, naiveRange } from './naive-calendar.ts'
import type { SoldYear } from './sold-year.ts'
import { LOOKS, MATRIX_ZONES } from './zones.ts'
import { VENUE_FACTS } from '#test/support/venue.ts'

export const MATRIX_SPANS = ['24h', 'today', '7d', '30d', '1y'] as const satisfies readonly SpanName[]

export interface MatrixCell {
  span: SpanName
  buckets: number
  jobs: number
  /** Where two of tile, chart, table, CSV and books say different things; empty when none do. */
  differences: string[]
}
export interface MatrixLine {
  zone: string
  what: string
  look: string
  local: string
  cells: MatrixCell[]
}

const total = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((a, b) => a + b, 0)

const ofTile = (tile: Summary): Sums => ({
  jobs: tile.jobs,
  tokens: tile.inputTokens + tile.outputTokens,
  grossNano: tile.grossNano,
  feeNano: tile.feeNano,
  availableNano: tile.availableNano,
  heldNano: tile.heldNano,
  powerNano: tile.powerNano ?? 0,
})
const ofRow = (row: ChartRow): Sums => ({
  jobs: row.jobs,
  tokens: row.tokens,
  grossNano: row.gross,
  feeNano: row.fee,
  availableNano: total(row.available),
  heldNano: total(row.held),
  powerNano: row.power ?? 0,
})
const NOTHING: Sums = {
  jobs: 0,
  tokens: 0,
  grossNano: 0,
  feeNano: 0,
  availableNano: 0,
  heldNano: 0,
  powerNano: 0,
}
const add = (a: Sums, b: Sums): Sums =>
  Object.fromEntries(
    Object.keys(NOTHING).map((key) => [key, a[key as keyof Sums] + b[key as keyof Sums]]),
  ) as unknown as Sums

/** The CSV's lines summed by `start_utc`. */
function ofCsv(csv: string): Map<number, { sums: Sums; startLocal: string; end: number; zone: string }> {
  const [header = [], ...lines] = parseCsv(csv)
  const rows = new Map<number, { sums: Sums; startLocal: string; end: number; zone: string }>()
  for (const line of lines) {
    const text = (name: string): string => line[header.indexOf(name)] ?? ''
    const value = (name: string): number => Number(text(name))
    const at = Date.parse(text('start_utc'))
    const row = rows.get(at) ?? {
      sums: NOTHING,
      startLocal: text('start_local'),
      end: Date.parse(text('end_utc')),
      zone: text('zone'),
    }
    const sums: Sums = {
      jobs: value('jobs'),
      tokens: value('input_tokens') + value('output_tokens'),
      grossNano: value('gross_nano'),
      feeNano: value('fee_nano'),
      availableNano: value('available_nano'),
      heldNano: value('held_nano'),
      powerNano: value('power_cost_nano'),
    }
    rows.set(at, { ...row, sums: add(row.sums, sums) })
  }
  return rows
}

/** The core as it is at `now`, over the year that was sold. */
function earningsAt({ rig, realmDb }: SoldYear, now: number) {
  return createEarnings(
    { ...rig, ...VENUE_FACTS, realmDb, clock: new FakeClock(now) },
    {
      sums: (from, to) => energyBetween(rig.rigDb.read, from, to),
      gpus: (from, to) => gpuEnergyBetween(rig.rigDb.read, from, to),
      weekHours: (from, to, offset) => energyByWeekHour(rig.rigDb.read, { from, to, offset }),
      methods: (from, to, limit) => methodsBetween(rig.rigDb.read, from, to, limit),
      currency: () => 'EUR',
      costOfJobs: () => null,
    },
  )
}

function compareSpan(year: SoldYear, oracle: Oracle, zone: string, span: SpanName, now: number): MatrixCell {
  const earnings = earningsAt(year, now)
  const asked = { span, zone, by: 'instrument' } as const
  const expected = naiveRange(span, zone, now)
  const series = earnings.series(asked)
  const rows = chartRows(series)
  const table = rows.filter(({ begun }) => begun)
  const csv = ofCsv(earnings.csv(asked).csv)
  const differences: string[] = []
  const same = (what: string, found: unknown, wanted: unknown): void => {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (a !== b) differences.push(`${what}: ${a} instead of ${b}`)
  }
  const books = sumsOf(oracle, { at: expected.from, end: expected.to })
  same(
    'the range',
    [series.range.from, series.range.to, series.range.bucket],
    [expected.from, expected.to, expected.bucket],
  )
  same('the tile', ofTile(earnings.summary(asked)), books)
  same('the tile beside the chart', ofTile(series.summary), books)
  same('the sum of the chart', rows.map(ofRow).reduce(add, NOTHING), books)
  same('the sum of the table', table.map(ofRow).reduce(add, NOTHING), books)
  const last = cumulative(rows).at(-1)
  same(
    'the running sums',
    [last?.available, last?.held, last?.power],
    [books.availableNano, books.heldNano, books.powerNano],
  )
  same('the sum of the CSV', [...csv.values()].map(({ sums }) => sums).reduce(add, NOTHING), books)
  same(
    'the buckets',
    series.buckets.map(({ at, end, startLocal }) => ({ at, end, startLocal })),
    expected.buckets,
  )
  same('labels that are there twice', new Set(rows.map(({ label }) => label)).size, rows.length)
  same(
    'the rows of the CSV',
    [...csv.keys()],
    table.map(({ at }) => at),
  )
  for (const [index, bucket] of expected.buckets.entries()) {
    const row = rows[index]
    const sums = sumsOf(oracle, bucket)
    same(`the chart at ${bucket.startLocal}`, row === undefined ? null : ofRow(row), sums)
    const line = csv.get(bucket.at)
    if (line !== undefined) {
      const { startLocal, end } = bucket
      same(`the CSV at ${startLocal}`, line, { sums, startLocal, end, zone })
    }
  }
  return { span, buckets: rows.length, jobs: books.jobs, differences }
}

/** Every cell of the matrix. */
export function calendarMatrix(year: SoldYear): MatrixLine[] {
  const oracle = oracleOf(year)
  return MATRIX_ZONES.flatMap(({ zone, moments }) =>
    moments.flatMap(({ what, at }) =>
      LOOKS.map(({ label, after }) => ({
        zone,
        what,
        look: label,
        local: localParts(at + after, zone).text,
        cells: MATRIX_SPANS.map((span) => compareSpan(year, oracle, zone, span, at + after)),
      })),
    ),
  )
}
