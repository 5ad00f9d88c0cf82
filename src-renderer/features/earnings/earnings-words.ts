/** Words of the earnings page that depend on what is looked at. Pure. */
import type { BucketSize, Series } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { amount, money, powerMoney } from '#ui/format.ts'

import { earnedOf, netOf } from './figures.ts'
import { type EarningsSearch, type Span, spanOf } from './earnings-search.ts'

export const SPAN_NAMES: Readonly<Record<Span, { short: string; long: string; before: string }>> = {
  '24h': { short: '24 h', long: 'the last 24 hours', before: 'the 24 hours before' },
  '7d': { short: '7 d', long: 'the last 7 days', before: 'the 7 days before' },
  '30d': { short: '30 d', long: 'the last 30 days', before: 'the 30 days before' },
  '1y': { short: '1 y', long: 'the last 12 months', before: 'the 12 months before' },
}

export const BUCKET_WORDS: Readonly<Record<BucketSize, string>> = {
  quarter: 'quarter hour',
  hour: 'hour',
  day: 'day',
  month: 'month',
}

/** The time a view is of, in running text. */
export function longName(view: EarningsSearch): string {
  const span = spanOf(view)
  if (span !== undefined) return SPAN_NAMES[span].long
  return view.first === view.last ? `${view.first}` : `${view.first} to ${view.last}`
}
export function beforeName(view: EarningsSearch): string {
  const span = spanOf(view)
  return span === undefined ? 'as many days before' : SPAN_NAMES[span].before
}

const size = (nano: number): number => Math.abs(nano)

/** The headline: net where there is one, else what was earned, with the difference to the period before. */
export function sentenceOf({ view, series }: { view: EarningsSearch; series: Series }, unit: Unit): string {
  const { summary, previous } = series
  const long = longName(view)
  if (summary.jobs === 0 && summary.powerNano === null) return `Nothing was earned in ${long}.`
  const isPart = view.only !== undefined
  const net = netOf(summary, unit, isPart)
  const before = net === null ? earnedOf(previous) : netOf(previous, unit, isPart)
  const value = net ?? earnedOf(summary)
  const change = before === null ? 0 : value - before
  const than =
    before === null || (previous.jobs === 0 && previous.powerNano === null)
      ? ''
      : change === 0
        ? `, as much as in ${beforeName(view)}`
        : `, ${money(size(change), unit)} ${change > 0 ? 'more' : 'less'} than in ${beforeName(view)}`
  return `${money(value, unit)} ${net === null ? 'earned' : 'net'} in ${long}${than}.`
}

/** What the headline is made of. */
export function underOf({ series }: { series: Series }, unit: Unit, isPart: boolean): string {
  const { summary } = series
  const power =
    summary.powerNano === null
      ? 'electricity has no price yet'
      : `electricity, idle included, ${powerMoney(summary.powerNano, summary.powerCurrency)}`
  const of = `after fees, of it ${amount(summary.availableNano, unit)} available and ${amount(summary.heldNano, unit)} held`
  const net = netOf(summary, unit, isPart)
  return net === null
    ? `Earned ${of}; ${power}${isPart ? ' (the whole machine’s)' : ''}`
    : `Earned ${money(earnedOf(summary), unit)} ${of}, less ${power}`
}
