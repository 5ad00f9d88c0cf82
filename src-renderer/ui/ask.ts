import type { BookView } from '#contract/market.ts'

import type { Scaled } from './format.ts'

/**
 * Where a first ask starts, in the unit's smallest parts per million tokens: just below the cheapest other seller, 0.40 units in an
 * empty book.
 */
export function suggestedAsk(book: BookView | null, { scale }: Scaled): number {
  const others = (book?.rows ?? []).filter((row) => !row.mine).map((row) => row.ask.output as number)
  const cheapest = others.length === 0 ? null : Math.min(...others)
  if (cheapest === null || cheapest === 0) return Math.max(1, Math.round(0.4 * 10 ** scale))
  // Cut to three digits, so that the field starts with a number a person would type.
  const below = cheapest * 0.98
  const step = 10 ** Math.max(0, Math.floor(Math.log10(below)) - 2)
  return Math.max(step, Math.floor(below / step) * step)
}
