/** What the tiles say, from the sums of a range and of the one before. Pure; every difference is exact. */
import type { Summary } from '#contract/earnings.ts'
import { POWER_SCALE } from '#contract/power-currencies.ts'
import type { Unit } from '#contract/units.ts'

/** Income and electricity are one money: only then is there a net, and one scale. */
export const isOneMoney = (unit: Unit, powerCurrency: string): boolean =>
  unit.kind === 'money' && unit.code === powerCurrency && unit.scale === POWER_SCALE

type Sums = Pick<Summary, 'grossNano' | 'feeNano' | 'writtenOffNano'>
/** Settled for the seller: of it a part is released, and a part still held. */
export const earnedOf = ({ grossNano, feeNano, writtenOffNano }: Sums): number => grossNano - feeNano - writtenOffNano

/** Earned less all electricity; null where that is another money, unknown, or where only some sources are looked at. */
export const netOf = (summary: Summary, unit: Unit, isPart: boolean): number | null =>
  summary.powerNano !== null && !isPart && isOneMoney(unit, summary.powerCurrency)
    ? earnedOf(summary) - summary.powerNano
    : null

/** The part of the listed time in which a job ran; null where nothing was listed. */
export const busyShare = ({ busyMs, listedMs }: Pick<Summary, 'busyMs' | 'listedMs'>): number | null =>
  listedMs === 0 ? null : Math.min(1, busyMs / listedMs)

export interface Cause {
  cause: 'hours' | 'tokens' | 'price' | 'fee' | 'electricity'
  nano: number
}

/**
 * Why it changed, split one after the other so that the parts sum to the change to the last nano-unit: listed hours at
 * the old pace and price, tokens per hour at the old price, the price, what fee and write-offs took, electricity. Null
 * where one of the two times sold or listed nothing: there is no pace to compare.
 */
export function causesOf(now: Summary, before: Summary, withPower: boolean): Cause[] | null {
  const tokens = (sums: Summary): number => sums.inputTokens + sums.outputTokens
  if ([now, before].some((sums) => tokens(sums) === 0 || sums.listedMs === 0)) return null
  const pace = tokens(before) / before.listedMs
  const price = before.grossNano / tokens(before)
  const hours = Math.round((now.listedMs - before.listedMs) * pace * price)
  const volume = Math.round((tokens(now) - now.listedMs * pace) * price)
  const taken = (sums: Summary): number => sums.grossNano - earnedOf(sums)
  const causes: Cause[] = [
    { cause: 'tokens', nano: volume },
    { cause: 'price', nano: now.grossNano - before.grossNano - hours - volume },
    { cause: 'hours', nano: hours },
    { cause: 'fee', nano: taken(before) - taken(now) },
  ]
  return withPower
    ? [...causes, { cause: 'electricity', nano: (before.powerNano ?? 0) - (now.powerNano ?? 0) }]
    : causes
}
