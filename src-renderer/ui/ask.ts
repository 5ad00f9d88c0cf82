import type { BookView } from '#contract/market.ts'

/**
 * Where a first ask starts, in nano-units per million tokens: just below the cheapest other seller, 0.40 units in an
 * empty book.
 */
export function suggestedAsk(book: BookView | null): number {
  const others = (book?.rows ?? []).filter((row) => !row.mine).map((row) => row.ask.output as number)
  const cheapest = others.length === 0 ? null : Math.min(...others)
  if (cheapest === null || cheapest === 0) return 400_000_000
  // Cut to three digits, so that the field starts with a number a person would type.
  const below = cheapest * 0.98
  const step = 10 ** Math.max(0, Math.floor(Math.log10(below)) - 2)
  return Math.max(step, Math.floor(below / step) * step)
}
