/** market: listings really change; the book is invented. */
import { onePrice, netPrice } from '#contract/money.ts'
import { because } from '#contract/reasons.ts'
import type { Listing } from '#contract/market.ts'

import { VENUE } from '../venue.ts'
import { closed, drained, WITHDRAWN } from './listings.ts'
import { ASK, listing as newListing, NANO_GRADE, specs } from './state.ts'
import { failure, os, type World } from './world.ts'

export function marketPart(world: World) {
  const { full } = world
  const change = (instrument: string, to: (before: Listing) => Listing): Listing => {
    const before = world.listings.find((each) => each.instrument === instrument)
    if (before === undefined) throw failure('NOT_FOUND', 'Nothing is listed for this grade.')
    const listing = to(before)
    world.listings = world.listings.map((each) => (each === before ? listing : each))
    return listing
  }
  return {
    instruments: os.market.instruments.handler(() =>
      specs.map((spec, index) => ({
        venueId: VENUE,
        spec,
        realm: 'practice' as const,
        currency: 'PCR' as const,
        feeBps: 500,
        holdMs: 30_000,
        qualified: full && index === 0,
        whyNot: full && index === 0 ? null : because('grade.noPass'),
      })),
    ),
    book: os.market.book.handler(({ input }) =>
      full && input.instrument === NANO_GRADE
        ? {
            venueId: VENUE,
            instrument: NANO_GRADE,
            at: Date.now() - 2_100,
            rows: [
              ...(world.listings.some(({ state }) => state === 'listed') ? [ASK] : []),
              440_000_000,
              520_000_000,
            ].map((ask, index) => ({
              ask: onePrice(ask as typeof ASK),
              suppliers: ask === 440_000_000 ? 2 : 1,
              freeSlots: 2 + index,
              mine: ask === ASK,
            })),
            jobsLastHour: 38,
            waiting: 0,
          }
        : null,
    ),
    quote: os.market.quote.handler(({ input }) => ({
      venueId: VENUE,
      instrument: input.instrument,
      realm: 'practice' as const,
      currency: 'PCR' as const,
      ask: input.ask,
      feeBps: 500,
      net: netPrice(input.ask, 500),
      powerNanoPerMtok: full ? 187_400_000 : null,
      powerCurrency: 'EUR',
      powerMethod: full ? 'measured over 1,204 jobs' : '',
      place: full ? (input.ask.output <= 440_000_000 ? 1 : 3) : null,
      of: full ? 4 : null,
      warnings: input.ask.output > 520_000_000 ? [because('quote.last')] : [],
    })),
    listings: os.market.listings.handler(() => world.listings),
    list: os.market.list.handler(({ input }) => {
      const listing: Listing = { ...newListing(Date.now()), ...input }
      world.listings = [...world.listings.filter((each) => each.instrument !== input.instrument), listing]
      return listing
    }),
    pause: os.market.pause.handler(({ input }) =>
      change(input.instrument, (before) => closed(before, because('listing.pausedByYou'), world.accepted, Date.now())),
    ),
    resume: os.market.resume.handler(({ input }) =>
      change(input.instrument, (before) => ({
        ...before,
        state: 'listed',
        reason: because('listing.open'),
        since: Date.now(),
        draining: null,
      })),
    ),
    relist: os.market.relist.handler(({ input }) => {
      const stopped = world.listings.some(
        ({ instrument, state, stopped: why }) => instrument === input.instrument && state === 'waiting' && why !== null,
      )
      if (!stopped) throw failure('CONFLICT', `Nothing of ${input.instrument} is stopped.`)
      return change(input.instrument, (before) => ({
        ...before,
        state: 'listed',
        reason: because('listing.open'),
        since: Date.now(),
        slots: before.slotsMax,
        slotsWhy: null,
        stopped: null,
      }))
    }),
    withdraw: os.market.withdraw.handler(({ input }) => {
      change(input.instrument, (before) => closed(before, WITHDRAWN, world.accepted, Date.now()))
      if (world.accepted === 0) world.listings = drained(world.listings)
      return { withdrawn: true }
    }),
  }
}
