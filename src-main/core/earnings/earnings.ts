/**
 * From sums of quarter hours to what the earnings screen shows. Pure; settled, held, pending and power stay apart all
 * the way.
 */
import type { Series } from '#contract/earnings.ts'
import { nano, type Nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CurrencyEnergy, GpuEnergy } from '#core/power/index.ts'

import type { TimeBucket } from './ranges.ts'
import type { IncomeRow } from './rollups.store.ts'

type Bucket = Series['buckets'][number]
type Income = Bucket['income'][number]
/** What of an energy row is shown. */
type ShownEnergy = Pick<CurrencyEnergy, 'currency' | 'joules' | 'costNano' | 'coveredMs'>

export const incomeOf = (rows: readonly IncomeRow[]): Income[] =>
  rows.map(
    ({ source, jobs, inputTokens, outputTokens, grossNano, feeNano, sellerNano, releasedNano, writtenOffNano }) => ({
      source,
      jobs,
      inputTokens,
      outputTokens,
      grossNano,
      feeNano,
      heldNano: nano(sellerNano - releasedNano - writtenOffNano),
      availableNano: releasedNano,
      writtenOffNano,
    }),
  )

/** Joules over all currencies; cost of the part priced in the owner's currency, null when nothing is. */
export function powerOf(
  rows: readonly ShownEnergy[],
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

/** The same of each GPU. */
export function gpusOf(rows: readonly GpuEnergy[], currency: string): Bucket['power']['gpus'] {
  const names = [...new Set(rows.map(({ gpu }) => gpu))]
  return names.map((gpu) => {
    const own = rows.filter((row) => row.gpu === gpu).map((row) => ({ ...row, coveredMs: 0 }))
    const { joules, costNano } = powerOf(own, currency)
    return { gpu, joules, costNano }
  })
}

/** One more than are shown is asked for, so that "and others" can be said. */
const METHODS_SHOWN = 2
export const METHODS_ASKED = METHODS_SHOWN + 1
const KWH = 3_600_000

/** How the energy of a range was come by, newest first, and what its cost leaves out. */
export function methodOf(methods: readonly string[], rows: readonly ShownEnergy[], currency: string): string {
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

/** The part of the bucket, as far as it lies in the past, that has an energy figure. */
export function coveredShare({ at, end }: TimeBucket, coveredMs: number, now: EpochMs): number {
  const length = Math.min(end, now) - at
  return length <= 0 ? 0 : Math.min(1, coveredMs / length)
}
