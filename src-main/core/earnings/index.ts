/** Earnings of one realm: read from hourly rollups, so that a million jobs cost what a thousand do. */
import { because } from '#contract/reasons.ts'
import type { Series } from '#contract/earnings.ts'
import type { CoreContext } from '#core/core-context.ts'

import { bucketStarts, type Range } from './buckets.ts'
import { csvFileName, seriesCsv } from './csv.ts'
import { earningsApi } from './earnings.api.ts'
import type { EarningsService } from './earnings-service.ts'
import { summariseEarnings, type EarningsPower } from './earnings-summary.ts'
import { bucketsOf, methodOf } from './earnings.ts'
import { heldJobs, incomeBetween } from './rollups.store.ts'

export { bucketStart } from './buckets.ts'
export type { EarningsService } from './earnings-service.ts'
export { billedBetween } from './rollups.store.ts'
export { shownAmount } from './shown-amount.ts'

export type EarningsContext = Pick<CoreContext, 'os' | 'realmDb' | 'realm' | 'currency' | 'clock'>

export function createEarnings(context: EarningsContext, power: EarningsPower) {
  const { realmDb, clock, realm, currency } = context

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
    summary: (from, to) => summariseEarnings(context, power, from, to),
    series,
    held() {
      const now = clock.now()
      return heldJobs(realmDb.read).map((row) => ({
        ...row,
        reason: row.releaseAt > now ? because('held.until') : because('held.due'),
      }))
    },
    csv: (range) => ({ fileName: csvFileName(realm, range), csv: seriesCsv(series(range), range) }),
  }
  return { ...service, api: earningsApi(context.os, service) }
}
