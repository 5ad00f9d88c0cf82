/** The whole view of the earnings page lives in the address: it survives a reload, Back undoes a change of it. */
import type { IncomeKey, RangeAsked, SpanName } from '#contract/earnings.ts'

export const SPANS = ['24h', '7d', '30d', '1y'] as const satisfies readonly SpanName[]
export type Span = (typeof SPANS)[number]
/** What income is told apart by; of a GPU only its electricity is known. */
export const SPLITS = ['instrument', 'model', 'deployment', 'gpu'] as const
export type Split = (typeof SPLITS)[number]
export const SHOWN_AS = ['bars', 'sums', 'table'] as const
export type ShownAs = (typeof SHOWN_AS)[number]

export interface EarningsSearch {
  span?: Span
  /** Two dates (YYYY-MM-DD), both included, instead of a span. */
  first?: string
  last?: string
  split?: Split
  /** Only these sources of the split. */
  only?: string[]
  show?: ShownAs
}

const DEFAULT_SPAN: Span = '24h'
const ONLY_MAX = 20
const SOURCE_MAX = 96
const within = <T extends string>(values: readonly T[], value: unknown): T | undefined =>
  values.find((each) => each === value)

/** Whether it is a date of the calendar. */
export function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const at = Date.parse(`${value}T00:00:00Z`)
  return at > 0 && new Date(at).toISOString().startsWith(value)
}

/** Anything malformed is dropped; dates count only as a pair in order. */
export function parseEarningsSearch(search: Record<string, unknown>): EarningsSearch {
  const { first, last } = search
  const span = within(SPANS, search['span'])
  const split = within(SPLITS, search['split'])
  const show = within(SHOWN_AS, search['show'])
  const dates = isDate(first) && isDate(last) && first <= last ? { first, last } : {}
  const asked: unknown[] = Array.isArray(search['only']) ? search['only'] : []
  const only = asked
    .filter((each): each is string => typeof each === 'string' && each !== '' && each.length <= SOURCE_MAX)
    .slice(0, ONLY_MAX)
  return {
    ...('first' in dates || span === undefined ? {} : { span }),
    ...dates,
    ...(split === undefined ? {} : { split }),
    ...(only.length === 0 || split === 'gpu' ? {} : { only }),
    ...(show === undefined ? {} : { show }),
  }
}

export const keyOf = (split: Split | undefined): IncomeKey =>
  split === undefined || split === 'gpu' ? 'instrument' : split

/** What the core is asked for. */
export function rangeOf({ span, first, last, split, only }: EarningsSearch, zone: string): RangeAsked {
  const asked = { zone, by: keyOf(split), ...(only === undefined ? {} : { only }) }
  return first !== undefined && last !== undefined
    ? { firstDay: first, lastDay: last, ...asked }
    : { span: span ?? DEFAULT_SPAN, ...asked }
}

/** The span a view is of; undefined for two dates. */
export const spanOf = ({ first, span }: EarningsSearch): Span | undefined =>
  first === undefined ? (span ?? DEFAULT_SPAN) : undefined

const DAY_MS = 86_400_000
const plusDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)

/** As many days back (-1) or forward (1) as the dates hold; null where forward would begin after `today`. */
export function shifted(
  { first, last }: { first: string; last: string },
  direction: -1 | 1,
  today: string,
): { first: string; last: string } | null {
  const days = Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1
  const next = { first: plusDays(first, direction * days), last: plusDays(last, direction * days) }
  return next.first > today || next.first < '1971' ? null : next
}

/** With one source taken out of what is shown, or put back; undefined shows all. */
export function toggled(
  only: readonly string[] | undefined,
  source: string,
  all: readonly string[],
): string[] | undefined {
  const shown = only ?? all
  const next = shown.includes(source) ? shown.filter((each) => each !== source) : [...shown, source]
  if (next.length === 0 || all.every((each) => next.includes(each))) return undefined
  return next.slice(0, ONLY_MAX)
}
