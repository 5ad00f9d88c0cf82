/**
 * Series of the contract as rows of a chart: one row a bucket, as the core cut them; gaps stay gaps. Pure: nothing here
 * knows a calendar, and every time is the core's text.
 */
import type { BucketSize, Series } from '#contract/earnings.ts'

import type { Scaled } from './format.ts'
import { fixed } from './number-format.ts'

export interface ChartRow {
  at: number
  /** Its start by the clocks of the range's zone; no two rows have the same. */
  label: string
  /** By source, in nano-units: released, and delivered but held. Never added together. */
  available: Record<string, number>
  held: Record<string, number>
  jobs: number
  tokens: number
  gross: number
  fee: number
  /** Electricity in nano-units of the owner's power currency; null where it is unknown. */
  power: number | null
  /** The rig was not measured in this bucket, and it is past: shaded. */
  off: boolean
  /** Later buckets have nothing to say yet. */
  begun: boolean
}

/** What income is told apart by on a chart, with its name for people. */
export interface IncomeSource {
  source: string
  name: string
  /** Its place among all that was ever sold, the first sold first: its colour and its place in a stack, for good. */
  place: number
}

const inUtc = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' })
const hourFormat = inUtc({ hour: '2-digit', minute: '2-digit' })
const dayFormat = inUtc({ day: 'numeric', month: 'short' })
const monthFormat = inUtc({ month: 'short', year: 'numeric' })

/** `2026-11-21T13:00:00+01:00` in parts: what its clock showed, as if that were UTC, and its offset. */
const partsOf = (startLocal: string): { wall: number; offset: string } => ({
  wall: Date.parse(`${startLocal.slice(0, 19)}Z`),
  offset: startLocal.slice(19),
})

/**
 * Labels of buckets by their local starts: `13:00`, `21 Nov`, `Nov 2026`. Where clocks were turned back and a label
 * comes twice both say their offset (`02:00 +01:00`); over several days they say the day as well.
 */
export function bucketLabels(startsLocal: readonly string[], size: BucketSize): string[] {
  const parts = startsLocal.map(partsOf)
  const short = size === 'month' ? monthFormat : size === 'day' ? dayFormat : hourFormat
  const forms: readonly ((part: { wall: number; offset: string }) => string)[] = [
    ({ wall }) => short.format(wall),
    ({ wall, offset }) => `${short.format(wall)} ${offset}`,
    ({ wall, offset }) => `${dayFormat.format(wall)}, ${short.format(wall)} ${offset}`,
  ]
  const candidates = forms.map((form) => parts.map(form))
  const counts = candidates.map((texts) => {
    const count = new Map<string, number>()
    for (const text of texts) count.set(text, (count.get(text) ?? 0) + 1)
    return count
  })
  return parts.map((_part, at) => {
    const form = counts.findIndex((count, index) => count.get(candidates[index]![at]!) === 1)
    return candidates[form === -1 ? candidates.length - 1 : form]![at]!
  })
}

const byRecord = (
  income: Series['buckets'][number]['income'],
  pick: 'availableNano' | 'heldNano',
): Record<string, number> => Object.fromEntries(income.map((each) => [each.source, each[pick]]))

/** One row a bucket. */
export function chartRows({ buckets, range }: Series): ChartRow[] {
  const labels = bucketLabels(
    buckets.map(({ startLocal }) => startLocal),
    range.bucket,
  )
  const isOff = ({ begun, power, income }: Series['buckets'][number]): boolean =>
    begun && power.coveredShare === 0 && income.length === 0
  // Before the first record there was no rig to be off.
  const first = buckets.findIndex((bucket) => bucket.begun && !isOff(bucket))
  const sum = (income: Series['buckets'][number]['income'], pick: (row: (typeof income)[number]) => number): number =>
    income.reduce((total, row) => total + pick(row), 0)
  return buckets.map((bucket, index) => ({
    at: bucket.at,
    label: labels[index]!,
    available: byRecord(bucket.income, 'availableNano'),
    held: byRecord(bucket.income, 'heldNano'),
    jobs: sum(bucket.income, (row) => row.jobs),
    tokens: sum(bucket.income, (row) => row.inputTokens + row.outputTokens),
    gross: sum(bucket.income, (row) => row.grossNano),
    fee: sum(bucket.income, (row) => row.feeNano),
    power: bucket.power.costNano,
    off: isOff(bucket) && first !== -1 && index > first,
    begun: bucket.begun,
  }))
}

/** Label of the bucket that ran when the series was read, where others follow it: the present is marked there. */
export function nowLabel(series: Series, rows: readonly ChartRow[]): string | undefined {
  const index = series.buckets.findIndex(({ at, end }) => at <= series.at && series.at < end)
  return index === -1 || index === rows.length - 1 ? undefined : rows[index]?.label
}

const sumOf = (values: Record<string, number>): number =>
  Object.values(values).reduce((total, value) => total + value, 0)

/** The tallest bar: available and held each stack their grades, and stand beside each other. */
export const highestOf = (rows: readonly ChartRow[]): number =>
  rows.reduce((highest, row) => Math.max(highest, sumOf(row.available), sumOf(row.held)), 0)

/** Running sums, bucket by bucket, of what has begun. */
export function cumulative(
  rows: readonly ChartRow[],
): { at: number; label: string; available: number; held: number; power: number }[] {
  let [available, held, power] = [0, 0, 0]
  return rows
    .filter((row) => row.begun)
    .map((row) => {
      available += sumOf(row.available)
      held += sumOf(row.held)
      power += row.power ?? 0
      return { at: row.at, label: row.label, available, held, power }
    })
}

/** Sources of a series in the order of their places. */
export const sourcesOf = (series: Series, nameOf: (source: string) => string): IncomeSource[] => {
  const places = new Map(series.sources.map((source, place) => [source, place]))
  const placeOf = (source: string): number => places.get(source) ?? series.sources.length
  return [...new Set(series.buckets.flatMap((bucket) => bucket.income.map((each) => each.source)))]
    .sort((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1))
    .map((source) => ({ source, name: nameOf(source), place: placeOf(source) }))
}

const COLOURS = 8
/** The colour of a place; beyond the eighth they come again, and names tell apart. */
export const colourOf = (place: number): string => `var(--c${(place % COLOURS) + 1})`

/** Ticks of an axis from zero: at most four round steps of 1, 2, 2.5 or 5. */
export function ticks(max: number): number[] {
  if (max <= 0) return [0]
  const rough = max / 3
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= rough) ?? rough
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, index) => index * step)
}

/** Ticks are amounts of a unit; the label has as many decimals as the step needs, at most those of the unit. */
export function tickLabel(value: number, step: number, { scale }: Scaled): string {
  if (value === 0) return '0'
  const decimals = Math.min(scale, Math.max(0, scale - Math.floor(Math.log10(step) + 1e-9)))
  const second = step / 10 ** Math.floor(Math.log10(step) + 1e-9)
  return fixed(value / 10 ** scale, Math.min(scale, decimals + (Number.isInteger(second) ? 0 : 1)))
}
