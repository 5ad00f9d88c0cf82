/** Everything one range has to say, read at one moment: its buckets, and their sum as the tiles show it. */
import type { CutRange, IncomeKey, Series, Summary, Used } from '#contract/earnings.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { perMillion, type CurrencyEnergy, type PowerLedger } from '#core/power/index.ts'

import { localTime } from './calendar.ts'
import { coveredShare, gpusOf, incomeOf, methodOf, METHODS_ASKED, powerOf } from './earnings.ts'
import { bucketsOf, periodBefore, type TimeBucket } from './ranges.ts'
import { heldJobs, incomeBetween, listedBetween, pendingNano, type IncomeRow } from './rollups.store.ts'

const JOULES_PER_KWH = 3_600_000

export type SeriesContext = Pick<VenueContext, 'venueId' | 'realmDb' | 'realm' | 'unit'>
export type EarningsPower = Pick<PowerLedger, 'sums' | 'gpus' | 'weekHours' | 'methods' | 'currency' | 'costOfJobs'>
/** What of the income is meant. */
export interface IncomeAsked {
  by: IncomeKey
  only?: readonly string[] | undefined
}

/** What is stored of one stretch of time. */
interface Stored {
  income: readonly IncomeRow[]
  energy: readonly CurrencyEnergy[]
  listedMs: number
}

function storedBetween(
  { realmDb }: SeriesContext,
  power: EarningsPower,
  { at, end }: TimeBucket,
  asked: IncomeAsked,
): Stored {
  return {
    income: incomeBetween(realmDb.read, at, end, asked),
    energy: power.sums(at, end),
    listedMs: listedBetween(realmDb.read, at, end),
  }
}

const totalOf = <T>(rows: readonly T[], pick: (row: T) => number): number =>
  rows.reduce((sum, row) => sum + pick(row), 0)

const usedOf = ({ income, energy, listedMs }: Stored): Used => ({
  onMs: totalOf(energy, (row) => row.coveredMs),
  listedMs,
  servedMs: totalOf(income, (row) => row.servedMs),
  busyMs: totalOf(energy, (row) => row.servingMs),
})

/** Sums of the range; pending and next release are as of now. */
export function summaryOf(
  context: SeriesContext,
  power: EarningsPower,
  { range, now, ...asked }: IncomeAsked & { range: CutRange; now: EpochMs },
): Summary {
  const whole = { at: range.from, end: range.to }
  return summaryFrom(context, power, { range, now }, storedBetween(context, power, whole, asked))
}

function summaryFrom(
  { venueId, realmDb, realm, unit }: SeriesContext,
  power: EarningsPower,
  { range, now }: { range: CutRange; now: EpochMs },
  stored: Stored,
): Summary {
  const { income, energy } = stored
  const { from, to } = range
  const powerCurrency = power.currency()
  const total = {
    jobs: 0,
    inputTokens: 0,
    outputTokens: 0,
    grossNano: 0,
    feeNano: 0,
    heldNano: 0,
    availableNano: 0,
    writtenOffNano: 0,
  }
  for (const row of incomeOf(income))
    for (const field of Object.keys(total) as (keyof typeof total)[]) total[field] += row[field]
  const usedTime = usedOf(stored)
  const { servedMs } = usedTime
  const used = powerOf(energy, powerCurrency)
  const serving = servedMs === 0 ? null : power.costOfJobs(energy, servedMs)
  const perMtok = serving === null ? null : perMillion(serving, total.inputTokens + total.outputTokens)
  const [next] = heldJobs(realmDb.read, 1)
  return {
    venueId,
    realm,
    currency: unit.code,
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
    writtenOffNano: nano(total.writtenOffNano),
    powerNano: used.costNano,
    powerKwh: used.joules / JOULES_PER_KWH,
    powerMethod: methodOf(power.methods(from, to, METHODS_ASKED), energy, powerCurrency),
    powerNanoPerJob: serving === null || total.jobs === 0 ? null : nano(Math.round(serving / total.jobs)),
    powerNanoPerMtok: perMtok === null ? null : nano(perMtok),
    ...usedTime,
    nextRelease: next === undefined ? null : { at: next.releaseAt, amountNano: next.amountNano },
  }
}

/** Errors: BAD_REQUEST for more than 2,000 buckets, or too many sources in one. */
export function seriesOf(
  context: SeriesContext,
  power: EarningsPower,
  { range, by, only, now, sources }: IncomeAsked & { range: CutRange; now: EpochMs; sources: string[] },
): Series {
  const powerCurrency = power.currency()
  const stored = bucketsOf(range).map((time) => ({ time, ...storedBetween(context, power, time, { by, only }) }))
  // The sum of what the buckets are made of: read once, and never another figure than theirs.
  const all: Stored = {
    income: stored.flatMap(({ income }) => income),
    energy: stored.flatMap(({ energy }) => energy),
    listedMs: totalOf(stored, ({ listedMs }) => listedMs),
  }
  const summary = summaryFrom(context, power, { range, now }, all)
  const bucket = ({ time, ...content }: (typeof stored)[number]): Series['buckets'][number] => {
    const { at, end } = time
    const { income, energy } = content
    const { joules, costNano, coveredMs } = powerOf(energy, powerCurrency)
    return {
      at,
      end,
      startLocal: localTime(at, range.zone),
      begun: at <= now || income.length > 0 || joules > 0,
      income: incomeOf(income),
      used: usedOf(content),
      power: {
        joules,
        costNano,
        coveredShare: coveredShare(time, coveredMs, now),
        gpus: gpusOf(power.gpus(at, end), powerCurrency),
      },
    }
  }
  const { venueId, realm, currency, powerMethod } = summary
  return {
    venueId,
    realm,
    currency,
    powerCurrency,
    powerMethod,
    at: now,
    range,
    by,
    buckets: stored.map(bucket),
    summary,
    sources,
    previous: summaryOf(context, power, { range: periodBefore(range, now), by, only, now }),
  }
}
