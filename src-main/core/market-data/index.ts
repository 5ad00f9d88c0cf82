/** The market as the seller sees it: instruments, the last book of each, what an ask would bring. */
import { because, type Reason } from '#contract/reasons.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { comparePrices } from '#contract/money.ts'
import type { VenueContext, DeploymentsService, PowerService, QualificationFacts } from '#core/core-context.ts'
import type { Listings } from '#core/listings/index.ts'

import { createLastBooks } from './last-books.ts'
import type { LastTerms } from './last-terms.ts'
import { marketDataCalls } from './market-data.api.ts'

export { marketDataApi } from './market-data.api.ts'
export { createLastTerms, type LastTerms } from './last-terms.ts'

export interface MarketDataDeps {
  terms: LastTerms
  listings: Listings
  power: Pick<PowerService, 'perMtok'>
  deployments: Pick<DeploymentsService, 'allLoaded'>
  qualifications: () => QualificationFacts[]
}

export function createMarketData(
  context: VenueContext,
  { terms, listings, power, deployments, qualifications }: MarketDataDeps,
) {
  const books = createLastBooks(context)
  let off: () => void = () => undefined

  const whyNot = (spec: GradeSpec): Reason | null => {
    const passes = qualifications().filter((one) => one.instrument === spec.instrument)
    if (passes.length === 0) return because('grade.noPass')
    if (!passes.some((one) => one.specVersion === spec.version))
      return because('grade.changed', { version: spec.version })
    const loaded = deployments.allLoaded()
    return loaded.length > 0 && !loaded.some(({ sha256 }) => passes.some((one) => one.sha256 === sha256))
      ? because('grade.otherModel')
      : null
  }

  return {
    calls: marketDataCalls(context, { terms, books, listings, power, whyNot }),
    /** The last book of each instrument. */
    books: () => books.all(),
    /**
     * What the last book says of an instrument's demand, and how many suppliers ask less than `ask`; null when no book
     * came.
     */
    demand(instrument: string): { jobsLastHour: number; waiting: number; cheaper: number } | null {
      const book = books.of(instrument)
      const mine = listings.all().find((listing) => listing.instrument === instrument)
      if (book === null) return null
      const cheaper = book.rows
        .filter((row) => mine !== undefined && comparePrices(row.ask, mine.ask) < 0)
        .reduce((sum, row) => sum + row.suppliers, 0)
      return { jobsLastHour: book.jobsLastHour, waiting: book.waiting, cheaper }
    },
    start() {
      off = books.follow()
    },
    stop: () => off(),
  }
}
