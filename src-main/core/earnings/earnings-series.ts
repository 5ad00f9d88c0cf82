/** Everything one range has to say, read at one moment: its buckets, and their sum as the tiles show it. */
import type { CutRange, IncomeKey, Series, Summary } from '#contract/earnings.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import { perMillion, type PowerLedger } from '#core/power/index.ts'

import { localTime } from './calendar.ts'
import { coveredShare, gpusOf, incomeOf, methodOf, METHODS_ASKED, powerOf } from './earnings.ts'
import { bucketsOf, type TimeBucket } from './ranges.ts'
import { heldJobs, incomeBetween, listedBetween, pendingNano } from './rollups.store.ts'

const JOULES_PER_KWH = 3_600_000

export type SeriesContext = Pick<CoreContext, 'realmDb' | 'realm' | 'currency'>
export type EarningsPower = Pick<PowerLedger, 'sums' | 'gpus' | 'methods' | 'currency' | 'costOfJobs'>

/** Sums of the range; pending and next release are as of now. */
export function summaryOf(context: SeriesContext, power: EarningsPower, range: CutRange, now: EpochMs): Summary {
  const { realmDb, realm, currency } = context
  const { from, to } = range
  const rows = incomeBetween(realmDb.read, from, to, 'instrument')
  const energy = power.sums(from, to)
  const powerCurrency = power.currency()
  const total = { jobs: 0, inputTokens: 0, outputTokens: 0, grossNano: 0, feeNano: 0, heldNano: 0, availableNano: 0 }
  for (const income of incomeOf(rows))
    for (const field of Object.keys(total) as (keyof typeof total)[]) total[field] += income[field]
  const servedMs = rows.reduce((sum, row) => sum + row.servedMs, 0)
  const used = powerOf(energy, powerCurrency)
  const serving = servedMs === 0 ? null : power.costOfJobs(energy, servedMs)
  const perMtok = serving === null ? null : perMillion(serving, total.inputTokens + total.outputTokens)
  const [next] = heldJobs(realmDb.read, 1)
  return {
    realm,
    currency,
    powerCurrency,
    at: now,
    range,
    jobs: total.jobs,
    inputTokens: total.inputTokens,
    outputTokens: total.outputTokens,
    availableNano: nano(total.availableNano),
    heldNano: nano(total.heldNano),
    pendingNano: pendingNano(realmDb.read),
    grossNano: nano(total.grossNano),
    feeNano: nano(total.feeNano),
    powerNano: used.costNano,
    powerKwh: used.joules / JOULES_PER_KWH,
    powerMethod: methodOf(power.methods(from, to, METHODS_ASKED), energy, powerCurrency),
    powerNanoPerJob: serving === null || total.jobs === 0 ? null : nano(Math.round(serving / total.jobs)),
    powerNanoPerMtok: perMtok === null ? null : nano(perMtok),
    servedMs,
    listedMs: listedBetween(realmDb.read, from, to),
    nextRelease: next === undefined ? null : { at: next.releaseAt, amountNano: next.amountNano },
  }
}

/** Errors: BAD_REQUEST for more than 2,000 buckets, or too many sources in one. */
export function seriesOf(
  context: SeriesContext,
  power: EarningsPower,
  { range, by, now }: { range: CutRange; by: IncomeKey; now: EpochMs },
): Series {
  const { realmDb, realm, currency } = context
  const powerCurrency = power.currency()
  const bucket = (time: TimeBucket): Series['buckets'][number] => {
    const { at, end } = time
    const income = incomeOf(incomeBetween(realmDb.read, at, end, by))
    const { joules, costNano, coveredMs } = powerOf(power.sums(at, end), powerCurrency)
    return {
      at,
      end,
      startLocal: localTime(at, range.zone),
      begun: at <= now || income.length > 0 || joules > 0,
      income,
      power: {
        joules,
        costNano,
        coveredShare: coveredShare(time, coveredMs, now),
        gpus: gpusOf(power.gpus(at, end), powerCurrency),
      },
    }
  }
  // Refuses too long a range before anything is read.
  const buckets = bucketsOf(range)
  const summary = summaryOf(context, power, range, now)
  return {
    realm,
    currency,
    powerCurrency,
    powerMethod: summary.powerMethod,
    at: now,
    range,
    by,
    buckets: buckets.map(bucket),
    summary,
  }
}
