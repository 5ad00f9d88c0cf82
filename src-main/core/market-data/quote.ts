/** What an ask would bring, and where it would stand in the book. Pure. */
import type { BookView } from '#contract/market.ts'
import { comparePrices, type Price } from '#contract/money.ts'
import { because, type Reason } from '#contract/reasons.ts'

/** 1 is the first to get work. Equal asks of others stand before a new one: they came earlier. */
export function placeInBook(book: Pick<BookView, 'rows'>, ask: Price): { place: number; of: number } {
  const others = book.rows.map((row) => ({ ask: row.ask, suppliers: row.suppliers - (row.mine ? 1 : 0) }))
  const before = others.filter((row) => comparePrices(row.ask, ask) <= 0).reduce((sum, row) => sum + row.suppliers, 0)
  return { place: before + 1, of: others.reduce((sum, row) => sum + row.suppliers, 0) + 1 }
}

export interface QuoteFacts {
  ask: Price
  place: { place: number; of: number } | null
  online: boolean
  qualified: boolean
  bookAgeMs: number | null
}
const STALE_MS = 60_000

/** What the seller should know before listing at this ask. */
export function quoteWarnings({ ask, place, online, qualified, bookAgeMs }: QuoteFacts): Reason[] {
  const warnings: Reason[] = []
  if (ask.input === 0 && ask.output === 0) warnings.push(because('quote.askZero'))
  if (!qualified) warnings.push(because('quote.notQualified'))
  if (!online) warnings.push(because('quote.offline'))
  else if (bookAgeMs === null) warnings.push(because('quote.noBook'))
  else if (bookAgeMs > STALE_MS) warnings.push(because('quote.oldBook'))
  if (place !== null && place.of > 1 && place.place === place.of) warnings.push(because('quote.last'))
  return warnings
}
