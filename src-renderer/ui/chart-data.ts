/** Series of the contract as rows of a chart: every bucket of the range is there, gaps stay gaps. Pure. */
import type { BucketSize, Series } from '#contract/earnings.ts'

import type { Scaled } from './format.ts'
import { day, hour, month } from './format-time.ts'

export interface ChartRow {
  at: number
  label: string
  /** By instrument, in nano-units: released, and delivered but held. Never added together. */
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
}

/** Starts of the buckets of a range by the viewer's calendar, at most 2,000. */
export function bucketStarts(from: number, to: number, size: BucketSize): number[] {
  const starts: number[] = []
  const date = new Date(from)
  if (size === 'hour') date.setMinutes(0, 0, 0)
  else date.setHours(0, 0, 0, 0)
  if (size === 'month') date.setDate(1)
  while (date.getTime() < to && starts.length < 2_000) {
    starts.push(date.getTime())
    if (size === 'hour') date.setTime(date.getTime() + 3_600_000)
    else if (size === 'day') date.setDate(date.getDate() + 1)
    else date.setMonth(date.getMonth() + 1)
  }
  return starts
}

export const bucketLabel = (at: number, size: BucketSize): string =>
  size === 'hour' ? hour(at) : size === 'day' ? day(at) : month(at)

const emptyRow = (at: number, size: BucketSize): ChartRow => ({
  at,
  label: bucketLabel(at, size),
  available: {},
  held: {},
  jobs: 0,
  tokens: 0,
  gross: 0,
  fee: 0,
  power: null,
  off: true,
})

/**
 * Rows for every bucket of [from, to). A bucket of the core belongs to the last start at or before it, whatever
 * daylight saving did in between.
 */
export function chartRows(series: Series, from: number, to: number, size: BucketSize, now: number): ChartRow[] {
  const rows = bucketStarts(from, to, size).map((at) => emptyRow(at, size))
  for (const bucket of series.buckets) {
    const row = rows.findLast((each) => each.at <= bucket.at)
    if (row === undefined) continue
    for (const each of bucket.byInstrument) {
      row.available[each.instrument] = (row.available[each.instrument] ?? 0) + each.availableNano
      row.held[each.instrument] = (row.held[each.instrument] ?? 0) + each.heldNano
      row.jobs += each.jobs
      row.tokens += each.inputTokens + each.outputTokens
      row.gross += each.grossNano
      row.fee += each.feeNano
    }
    if (bucket.power.costNano !== null) row.power = (row.power ?? 0) + bucket.power.costNano
    if (bucket.power.coveredShare > 0 || bucket.byInstrument.length > 0) row.off = false
  }
  const first = rows.findIndex((row) => !row.off)
  // Before the first record there was no rig to be off, and the future is not off either.
  return rows.map((row, index) => ({ ...row, off: row.off && first !== -1 && index > first && row.at <= now }))
}

const sumOf = (values: Record<string, number>): number =>
  Object.values(values).reduce((total, value) => total + value, 0)

/** The tallest bar: available and held each stack their grades, and stand beside each other. */
export const highestOf = (rows: readonly ChartRow[]): number =>
  rows.reduce((highest, row) => Math.max(highest, sumOf(row.available), sumOf(row.held)), 0)

/** Running sums, bucket by bucket, up to now. */
export function cumulative(
  rows: readonly ChartRow[],
  now: number,
): { at: number; label: string; available: number; held: number; power: number }[] {
  let [available, held, power] = [0, 0, 0]
  return rows
    .filter((row) => row.at <= now)
    .map((row) => {
      available += sumOf(row.available)
      held += sumOf(row.held)
      power += row.power ?? 0
      return { at: row.at, label: row.label, available, held, power }
    })
}

/** Instruments of a series in a steady order, so that each keeps its colour. */
export const instrumentsOf = (series: Series): string[] =>
  [...new Set(series.buckets.flatMap((bucket) => bucket.byInstrument.map((each) => each.instrument as string)))].sort()

const COLOURS = ['var(--c1)', 'var(--c2)', 'var(--c3)'] as const
export const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? 'var(--c1)'

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
  return (value / 10 ** scale).toFixed(Math.min(scale, decimals + (Number.isInteger(second) ? 0 : 1)))
}
