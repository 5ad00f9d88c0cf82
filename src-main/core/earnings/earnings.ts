/**
 * From hourly sums to what the earnings screen shows. Pure; settled, held, pending and power stay apart all the way.
 */
import type { Instrument } from '#contract/ids.ts'
import type { Series } from '#contract/earnings.ts'
import { nano, type Nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'

import { bucketStart, bucketStarts, nextBucket, type Range } from './buckets.ts'

/** Sums of one UTC hour (or of several) and one instrument. */
export interface IncomeRow {
  hourMs: EpochMs
  instrument: Instrument
  jobs: number
  inputTokens: number
  outputTokens: number
  grossNano: Nano
  feeNano: Nano
  sellerNano: Nano
  releasedNano: Nano
  servedMs: number
}
/** Energy of one hour; `currency` '' is energy without a price. */
export interface EnergyRow {
  hourMs: EpochMs
  currency: string
  joules: number
  costNano: number
  coveredMs: number
  method: string
}

type Bucket = Series['buckets'][number]
type Income = Bucket['byInstrument'][number]

const noIncome = (instrument: Instrument): Income => ({
  instrument,
  jobs: 0,
  inputTokens: 0,
  outputTokens: 0,
  grossNano: nano(0),
  feeNano: nano(0),
  heldNano: nano(0),
  availableNano: nano(0),
})

function addIncome(sum: Income, row: IncomeRow): void {
  sum.jobs += row.jobs
  sum.inputTokens += row.inputTokens
  sum.outputTokens += row.outputTokens
  sum.grossNano = nano(sum.grossNano + row.grossNano)
  sum.feeNano = nano(sum.feeNano + row.feeNano)
  sum.heldNano = nano(sum.heldNano + row.sellerNano - row.releasedNano)
  sum.availableNano = nano(sum.availableNano + row.releasedNano)
}

/** Income by instrument, in the order of their names; rows of zero jobs and zero money (only failures) are left out. */
export function incomeOf(rows: readonly IncomeRow[]): Income[] {
  const sums = new Map<Instrument, Income>()
  for (const row of rows) {
    if (row.jobs === 0 && row.grossNano === 0) continue
    const sum = sums.get(row.instrument) ?? noIncome(row.instrument)
    addIncome(sum, row)
    sums.set(row.instrument, sum)
  }
  return [...sums.values()].sort((a, b) => (a.instrument < b.instrument ? -1 : 1))
}

/** Joules over all currencies; cost of the part priced in the owner's currency, null when nothing is. */
export function powerOf(
  rows: readonly EnergyRow[],
  currency: string,
): { joules: number; costNano: Nano | null; coveredMs: number } {
  let joules = 0
  let coveredMs = 0
  let costNano: number | null = null
  for (const row of rows) {
    joules += row.joules
    coveredMs += row.coveredMs
    if (row.currency === currency) costNano = (costNano ?? 0) + row.costNano
  }
  return { joules, costNano: costNano === null ? null : nano(costNano), coveredMs }
}

const METHODS_SHOWN = 2
const KWH = 3_600_000

/** How the energy of a range was come by, newest first, and what its cost leaves out. */
export function methodOf(rows: readonly EnergyRow[], currency: string): string {
  const methods = [...new Set(rows.toReversed().map((row) => row.method))]
  if (methods.length === 0) return 'nothing measured or estimated in this time'
  const shown =
    methods.slice(0, METHODS_SHOWN).join('; earlier: ') + (methods.length > METHODS_SHOWN ? '; and others' : '')
  const elsewhere = rows
    .filter((row) => row.currency !== currency && row.joules > 0)
    .reduce((sum, row) => sum + row.joules, 0)
  return elsewhere === 0
    ? shown
    : `${shown}; ${(elsewhere / KWH).toPrecision(3)} kWh without a price in ${currency} left out of the cost`
}

function groupBy<Row extends { hourMs: EpochMs }>(rows: readonly Row[], range: Range): Map<EpochMs, Row[]> {
  const groups = new Map<EpochMs, Row[]>()
  for (const row of rows) {
    const start = bucketStart(row.hourMs, range.bucket, range.offsetMinutes)
    const group = groups.get(start)
    if (group === undefined) groups.set(start, [row])
    else group.push(row)
  }
  return groups
}

/**
 * One bucket per step of the range. `coveredShare` is the part of the bucket, as far as it lies in the range and the
 * past, that has an energy figure.
 */
export function bucketsOf(
  range: Range,
  income: readonly IncomeRow[],
  energy: readonly EnergyRow[],
  currency: string,
  now: EpochMs,
): Bucket[] {
  const incomes = groupBy(income, range)
  const energies = groupBy(energy, range)
  return bucketStarts(range).map((at) => {
    const power = powerOf(energies.get(at) ?? [], currency)
    const length = Math.min(nextBucket(at, range.bucket, range.offsetMinutes), range.to, now) - Math.max(at, range.from)
    const coveredShare = length <= 0 ? 0 : Math.min(1, power.coveredMs / length)
    return {
      at,
      byInstrument: incomeOf(incomes.get(at) ?? []),
      power: { joules: power.joules, costNano: power.costNano, coveredShare },
    }
  })
}
