/** The last book of each instrument, as the exchange sent it. */
import type { BookView } from '#contract/market.ts'
import type { VenueContext } from '#core/core-context.ts'

const BOOKS_MAX = 64

export interface LastBooks {
  of(instrument: string): BookView | null
  all(): BookView[]
  /** Takes books as they come; the returned function ends it. */
  follow(): () => void
}

export function createLastBooks({
  venue,
  clock,
  events,
  venueId,
}: Pick<VenueContext, 'venue' | 'clock' | 'events' | 'venueId'>): LastBooks {
  const books = new Map<string, BookView>()
  return {
    of: (instrument) => books.get(instrument) ?? null,
    all: () => [...books.values()],
    follow: () =>
      venue.onEvent((event) => {
        if (event.kind !== 'book' || (books.size >= BOOKS_MAX && !books.has(event.book.instrument))) return
        // By our own clock: its age is what the screen shows, and the exchange's clock may be virtual.
        books.set(event.book.instrument, { ...event.book, venueId, at: clock.now() })
        events.changed('market')
      }),
  }
}
