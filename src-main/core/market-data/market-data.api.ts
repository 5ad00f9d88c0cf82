/** Handlers of contract/market.ts. */
import type { Reason } from '#contract/reasons.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { CoreContext, PowerService } from '#core/core-context.ts'
import type { Listings } from '#core/listings/index.ts'

import type { LastBooks } from './last-books.ts'
import type { LastTerms } from './last-terms.ts'
import { netPerMtok, placeInBook, quoteWarnings } from './quote.ts'

export interface MarketApiDeps {
  terms: LastTerms
  books: Pick<LastBooks, 'of'>
  listings: Listings
  power: Pick<PowerService, 'perMtok'>
  /** Why the rig cannot sell this grade now; null when it can. */
  whyNot(this: void, spec: GradeSpec): Reason | null
}

export function marketDataApi(context: CoreContext, { terms, books, listings, power, whyNot }: MarketApiDeps) {
  const { os, exchange, clock, realm, currency } = context
  return {
    instruments: os.market.instruments.handler(() =>
      terms.specs().map((spec) => {
        const why = whyNot(spec)
        return {
          spec,
          realm,
          currency,
          feeBps: terms.feeBps(),
          holdMs: terms.holdMs(),
          qualified: why === null,
          whyNot: why,
        }
      }),
    ),
    book: os.market.book.handler(({ input }) => books.of(input.instrument)),
    quote: os.market.quote.handler(({ input: { instrument, askNanoPerMtok } }) => {
      const book = books.of(instrument)
      const place = book === null ? null : placeInBook(book, askNanoPerMtok)
      const spec = terms.specOf(instrument)
      const { nanoPerMtok: powerCost, currency: powerCurrency, method } = power.perMtok()
      return {
        instrument,
        realm,
        currency,
        askNanoPerMtok: nanoPerMtok(askNanoPerMtok),
        feeBps: terms.feeBps(),
        netNanoPerMtok: netPerMtok(askNanoPerMtok, terms.feeBps()),
        powerNanoPerMtok: powerCost,
        powerCurrency,
        powerMethod: method,
        place: place?.place ?? null,
        of: place?.of ?? null,
        warnings: quoteWarnings({
          ask: askNanoPerMtok,
          place,
          online: exchange.state().kind === 'online',
          qualified: spec !== null && whyNot(spec) === null,
          bookAgeMs: book === null ? null : clock.now() - book.at,
        }),
      }
    }),
    listings: os.market.listings.handler(() => listings.all()),
    list: os.market.list.handler(({ input }) =>
      listings.list(input.instrument, input.deploymentId, input.askNanoPerMtok),
    ),
    pause: os.market.pause.handler(({ input }) => listings.pause(input.instrument)),
    resume: os.market.resume.handler(({ input }) => listings.resume(input.instrument)),
    withdraw: os.market.withdraw.handler(({ input }) => ({ withdrawn: listings.withdraw(input.instrument) })),
  }
}
