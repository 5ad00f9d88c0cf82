/** The market as the seller sees it: instruments, the last book of each, what an ask would bring. */
import type { GradeSpec } from '#contract/grades.ts'
import type { BookView } from '#contract/market.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { CoreContext, DeploymentsService, PowerService, QualificationFacts } from '#core/core-context.ts'
import type { ExchangeTerms } from '#core/exchange/exchange.port.ts'
import type { Listings } from '#core/listings/index.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'

import { netPerMtok, placeInBook, quoteWarnings } from './quote.ts'

/** Shown before the first connection; the exchange's own terms replace them. */
const UNHEARD = { feeBps: 500, holdMs: 30_000 }
const BOOKS_MAX = 64

/** The newest terms the exchange stated, kept while it is away. */
export interface Terms {
  specs: () => readonly GradeSpec[]
  specOf: (instrument: string) => GradeSpec | null
  feeBps: () => number
  holdMs: () => number
}

export function createTerms({ exchange, events }: Pick<CoreContext, 'exchange' | 'events'>): Terms {
  let terms: Pick<ExchangeTerms, 'specs' | 'feeBps' | 'holdMs'> | null = null
  const shipped = loadGradeSpecs()
  const take = (): void => {
    const state = exchange.state()
    if (state.kind === 'online') terms = state.terms
    for (const topic of ['exchange', 'market'] as const) events.changed(topic)
  }
  exchange.onState(take)
  take()
  const specs = (): readonly GradeSpec[] => terms?.specs ?? shipped
  return {
    specs,
    specOf: (instrument) => specs().find((spec) => spec.instrument === instrument) ?? null,
    feeBps: () => terms?.feeBps ?? UNHEARD.feeBps,
    holdMs: () => terms?.holdMs ?? UNHEARD.holdMs,
  }
}

export interface MarketDeps {
  terms: Terms
  listings: Listings
  power: Pick<PowerService, 'perMtok'>
  deployments: Pick<DeploymentsService, 'allLoaded'>
  qualifications: () => QualificationFacts[]
}

export function createMarket(
  context: CoreContext,
  { terms, listings, power, deployments, qualifications }: MarketDeps,
) {
  const { os, exchange, clock, events, realm, currency } = context
  const books = new Map<string, BookView>()
  let off: () => void = () => undefined

  const whyNot = (spec: GradeSpec): string | null => {
    const passes = qualifications().filter((one) => one.instrument === spec.instrument)
    if (passes.length === 0) return 'no pass of its exam yet, or it has run out'
    if (!passes.some((one) => one.specVersion === spec.version))
      return `the grade changed to version ${spec.version} since the exam`
    const loaded = deployments.allLoaded()
    return loaded.length > 0 && !loaded.some(({ sha256 }) => passes.some((one) => one.sha256 === sha256))
      ? 'another model passed its exam than the one loaded'
      : null
  }

  const api = {
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
    book: os.market.book.handler(({ input }) => books.get(input.instrument) ?? null),
    quote: os.market.quote.handler(({ input: { instrument, askNanoPerMtok } }) => {
      const book = books.get(instrument)
      const place = book === undefined ? null : placeInBook(book, askNanoPerMtok)
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
          bookAgeMs: book === undefined ? null : clock.now() - book.at,
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

  return {
    api,
    /**
     * What the last book says of an instrument's demand, and how many suppliers ask less than `ask`; null when no book
     * came.
     */
    demand(instrument: string): { jobsLastHour: number; waiting: number; cheaper: number } | null {
      const book = books.get(instrument)
      const mine = listings.all().find((listing) => listing.instrument === instrument)
      if (book === undefined) return null
      const cheaper = book.rows
        .filter((row) => mine !== undefined && row.askNanoPerMtok < mine.askNanoPerMtok)
        .reduce((sum, row) => sum + row.suppliers, 0)
      return { jobsLastHour: book.jobsLastHour, waiting: book.waiting, cheaper }
    },
    start() {
      off = exchange.onFrame((frame) => {
        if (frame.t !== 'book' || (books.size >= BOOKS_MAX && !books.has(frame.book.instrument))) return
        // By our own clock: its age is what the screen shows, and the exchange's clock may be virtual.
        books.set(frame.book.instrument, { ...frame.book, at: clock.now() })
        events.changed('market')
      })
    },
    stop: () => off(),
  }
}
