/** Earnings of one realm: read from hourly rollups, so that a million jobs cost what a thousand do. */
import type { Series, Summary } from '#contract/earnings.ts'
import { StokerError } from '#contract/errors.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { PowerLedger } from '#core/power/index.ts'
import { perMillion } from '#core/power/power.ts'

import { bucketStarts, type Range } from './buckets.ts'
import { csvFileName, seriesCsv } from './csv.ts'
import { earningsApi } from './earnings.api.ts'
import { bucketsOf, incomeOf, methodOf, powerOf } from './earnings.ts'
import { heldJobs, incomeBetween, listedBetween, pendingNano, type HeldRow } from './rollups.store.ts'

export { billedBetween } from './rollups.store.ts'

const JOULES_PER_KWH = 3_600_000

export type EarningsContext = Pick<CoreContext, 'os' | 'realmDb' | 'realm' | 'currency' | 'clock'>

export interface EarningsService {
  /**
   * Sums of the hours that begin in [from, to); pending and next release are as of now. Error BAD_REQUEST for an empty
   * range.
   */
  summary(from: EpochMs, to: EpochMs): Summary
  /** Error BAD_REQUEST for an empty range or more than 2,000 buckets. */
  series(range: Range): Series
  held(): (HeldRow & { reason: string })[]
  csv(range: Range): { fileName: string; csv: string }
}

export function createEarnings(
  context: EarningsContext,
  power: Pick<PowerLedger, 'hours' | 'currency' | 'costOfJobs'>,
) {
  const { realmDb, clock, realm, currency } = context

  const summary = (from: EpochMs, to: EpochMs): Summary => {
    if (to <= from)
      throw new StokerError('BAD_REQUEST', 'The end of the range must lie after its start.', { data: { from, to } })
    const rows = incomeBetween(realmDb.read, from, to)
    const energy = power.hours(from, to)
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
      at: clock.now(),
      from,
      to,
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
      powerMethod: methodOf(energy, powerCurrency),
      powerNanoPerJob: serving === null || total.jobs === 0 ? null : nano(Math.round(serving / total.jobs)),
      powerNanoPerMtok: perMtok === null ? null : nano(perMtok),
      servedMs,
      listedMs: listedBetween(realmDb.read, from, to),
      nextRelease: next === undefined ? null : { at: next.releaseAt, amountNano: next.amountNano },
    }
  }

  const series = (range: Range): Series => {
    const now = clock.now()
    // Refuses too long a range before anything is read.
    bucketStarts(range)
    const energy = power.hours(range.from, range.to)
    const powerCurrency = power.currency()
    return {
      realm,
      currency,
      powerCurrency,
      powerMethod: methodOf(energy, powerCurrency),
      at: now,
      buckets: bucketsOf(range, incomeBetween(realmDb.read, range.from, range.to), energy, powerCurrency, now),
    }
  }

  const service: EarningsService = {
    summary,
    series,
    held() {
      const now = clock.now()
      return heldJobs(realmDb.read).map((row) => ({
        ...row,
        reason:
          row.releaseAt > now
            ? 'The exchange holds what it settled until this time.'
            : 'Due; the exchange has not told its release yet.',
      }))
    },
    csv: (range) => ({ fileName: csvFileName(realm, range), csv: seriesCsv(series(range), range) }),
  }
  return { ...service, api: earningsApi(context.os, service) }
}
