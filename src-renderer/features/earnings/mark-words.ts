/** What happened, in a few words. Pure. */
import type { Mark } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { gradeName, rate } from '#ui/format.ts'

const WORDS: Readonly<Record<string, string>> = {
  'listing.listed': 'listed',
  'listing.paused': 'paused',
  'listing.resumed': 'resumed',
  'listing.withdrawn': 'withdrawn',
  'exchange.ONLINE': 'market connected',
  'exchange.OFFLINE': 'market away',
  'breaker.stopped': 'stopped by the breaker',
  'breaker.failed': 'breaker check failed',
  'breaker.passed': 'breaker check passed',
  'breaker.byHand': 'breaker reset by hand',
}

export function markText({ code, instrument, askNano, beforeNano }: Mark, unit: Unit): string {
  const grade = instrument === '' ? '' : `${gradeName(instrument)} `
  if (code === 'listing.re-priced' && askNano !== null)
    return `${grade}ask ${beforeNano === null ? '' : `${rate(beforeNano, unit)} → `}${rate(askNano, unit)}`
  if (code === 'listing.listed' && askNano !== null) return `${grade}listed at ${rate(askNano, unit)}`
  return `${grade}${WORDS[code] ?? code}`
}

export const SIGNS: Readonly<Record<Mark['kind'], string>> = { ask: '▲', cost: '◆', record: '○' }

/** Those that fall into [at, end). */
export const marksOf = (marks: readonly Mark[], { at, end }: { at: number; end: number }): Mark[] =>
  marks.filter((mark) => mark.at >= at && mark.at < end)
