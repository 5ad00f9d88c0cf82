/** The last book of each instrument, as the exchange sent it. */
import type { BookView } from '#contract/market.ts'
import type { CoreContext } from '#core/core-context.ts'

const BOOKS_MAX = 64

export interface LastBooks {
  of(instrument: string): BookView | null
  all(): BookView[]
  /** Takes books as they come; the returned function ends it. */
  follow(): () => void
}

export function createLastBooks({
  exchange,
  clock,
  events,
}: Pick<CoreContext, 'exchange' | 'clock' | 'events'>): LastBooks {
  const books = new Map<string, BookView>()
  return {
    of: (instrument) => books.get(instrument) ?? null,
    all: () => [...books.values()],
    follow: () =>
      exchange.onFrame((frame) => {
        if (frame.t !== 'book' || (books.size >= BOOKS_MAX && !books.has(frame.book.instrument))) return
        // By our own clock: its age is what the screen shows, and the exchange's clock may be virtual.
        books.set(frame.book.instrument, { ...frame.book, at: clock.now() })
        events.changed('market')
      }),
  }
}
