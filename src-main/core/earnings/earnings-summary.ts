/** The sums of a range, as the tiles show them: settled, held, pending and power apart. */
import type { Summary } from '#contract/earnings.ts'
import { fail } from '#contract/errors.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import { perMillion, type PowerLedger } from '#core/power/index.ts'

import { incomeOf, methodOf, powerOf } from './earnings.ts'
import { heldJobs, incomeBetween, listedBetween, pendingNano } from './rollups.store.ts'

const JOULES_PER_KWH = 3_600_000

export type SummaryContext = Pick<CoreContext, 'realmDb' | 'realm' | 'currency' | 'clock'>
export type EarningsPower = Pick<PowerLedger, 'hours' | 'currency' | 'costOfJobs'>

/** Sums of the hours that begin in [from, to); pending and next release are as of now. Error BAD_REQUEST: empty range. */
export function summariseEarnings(
  { realmDb, clock, realm, currency }: SummaryContext,
  power: EarningsPower,
  from: EpochMs,
  to: EpochMs,
): Summary {
  if (to <= from) throw fail('range.empty', {}, { data: { from, to } })
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
