/** Handlers of contract/market.ts. */
import type { GradeSpec } from '#contract/grades.ts'
import { netPrice } from '#contract/money.ts'
import type { CoreContext, PowerService } from '#core/core-context.ts'
import type { Listings } from '#core/listings/index.ts'

import type { LastBooks } from './last-books.ts'
import type { LastTerms } from './last-terms.ts'
import { placeInBook, quoteWarnings } from './quote.ts'

export interface MarketApiDeps {
  terms: LastTerms
  books: Pick<LastBooks, 'of'>
  listings: Listings
  power: Pick<PowerService, 'perMtok'>
  /** Why the rig cannot sell this grade now; null when it can. */
  whyNot(this: void, spec: GradeSpec): string | null
}

export function marketDataApi(context: CoreContext, { terms, books, listings, power, whyNot }: MarketApiDeps) {
  const { os, exchange, clock, realm, unit } = context
  return {
    instruments: os.market.instruments.handler(() =>
      terms.specs().map((spec) => {
        const why = whyNot(spec)
        return {
          spec,
          realm,
          currency: unit.code,
          feeBps: terms.feeBps(),
          holdMs: terms.holdMs(),
          qualified: why === null,
          whyNot: why,
        }
      }),
    ),
    book: os.market.book.handler(({ input }) => books.of(input.instrument)),
    quote: os.market.quote.handler(({ input: { instrument, ask } }) => {
      const book = books.of(instrument)
      const place = book === null ? null : placeInBook(book, ask)
      const spec = terms.specOf(instrument)
      const { nanoPerMtok: powerCost, currency: powerCurrency, method } = power.perMtok()
      return {
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
          online: exchange.state().kind === 'online',
          qualified: spec !== null && whyNot(spec) === null,
          bookAgeMs: book === null ? null : clock.now() - book.at,
        }),
      }
    }),
    listings: os.market.listings.handler(() => listings.all()),
    list: os.market.list.handler(({ input }) => listings.list(input.instrument, input.deploymentId, input.ask)),
    pause: os.market.pause.handler(({ input }) => listings.pause(input.instrument)),
    resume: os.market.resume.handler(({ input }) => listings.resume(input.instrument)),
    withdraw: os.market.withdraw.handler(({ input }) => ({ withdrawn: listings.withdraw(input.instrument) })),
  }
}
