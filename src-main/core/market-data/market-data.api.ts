/** Handlers of contract/market.ts. */
import type { Reason } from '#contract/reasons.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Instrument } from '#contract/ids.ts'
import { netPrice, type Price } from '#contract/money.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext, PowerService } from '#core/core-context.ts'
import type { Listings } from '#core/listings/index.ts'
import type { Os } from '#core/os.ts'

import type { LastBooks } from './last-books.ts'
import type { LastTerms } from './last-terms.ts'
import { placeInBook, quoteWarnings } from './quote.ts'

export interface MarketApiDeps {
  terms: LastTerms
  books: Pick<LastBooks, 'of'>
  listings: Listings
  power: Pick<PowerService, 'perMtok'>
  /** Why the rig cannot sell this grade now; null when it can. */
  whyNot(this: void, spec: GradeSpec): Reason | null
}

/** What the contract asks of the market of one venue. */
export function marketDataCalls(context: VenueContext, { terms, books, listings, power, whyNot }: MarketApiDeps) {
  const { venueId, venue, clock, realm, unit } = context
  return {
    instruments: () =>
      terms.specs().map((spec) => {
        const why = whyNot(spec)
        return {
          venueId,
          spec,
          realm,
          currency: unit.code,
          feeBps: terms.feeBps(),
          holdMs: terms.holdMs(),
          qualified: why === null,
          whyNot: why,
        }
      }),
    book: (instrument: string) => books.of(instrument),
    quote({ instrument, ask }: { instrument: Instrument; ask: Price }) {
      const book = books.of(instrument)
      const place = book === null ? null : placeInBook(book, ask)
      const spec = terms.specOf(instrument)
      const { nanoPerMtok: powerCost, currency: powerCurrency, method } = power.perMtok()
      return {
        venueId,
        instrument,
        realm,
        currency: unit.code,
        ask,
        feeBps: terms.feeBps(),
        net: netPrice(ask, terms.feeBps()),
        powerNanoPerMtok: powerCost,
        powerCurrency,
        powerMethod: method,
        place: place?.place ?? null,
        of: place?.of ?? null,
        warnings: quoteWarnings({
          ask,
          place,
          online: venue.state().kind === 'online',
          qualified: spec !== null && whyNot(spec) === null,
          bookAgeMs: book === null ? null : clock.now() - book.at,
        }),
      }
    },
    listings: () => listings.all(),
    list: listings.list,
    pause: listings.pause,
    resume: listings.resume,
    relist: listings.relist,
    withdraw: (instrument: string) => ({ withdrawn: listings.withdraw(instrument) }),
  }
}

export const marketDataApi = (os: Os, of: ByVenue<ReturnType<typeof marketDataCalls>>) => ({
  instruments: os.market.instruments.handler(({ input }) => of(input.venueId).instruments()),
  book: os.market.book.handler(({ input }) => of(input.venueId).book(input.instrument)),
  quote: os.market.quote.handler(({ input }) => of(input.venueId).quote(input)),
  listings: os.market.listings.handler(({ input }) => of(input.venueId).listings()),
  list: os.market.list.handler(({ input }) => of(input.venueId).list(input.instrument, input.deploymentId, input.ask)),
  pause: os.market.pause.handler(({ input }) => of(input.venueId).pause(input.instrument)),
  resume: os.market.resume.handler(({ input }) => of(input.venueId).resume(input.instrument)),
  relist: os.market.relist.handler(({ input }) => of(input.venueId).relist(input.instrument)),
  withdraw: os.market.withdraw.handler(({ input }) => of(input.venueId).withdraw(input.instrument)),
})
