import { describe, it, expect } from 'vitest'

import type { BookView } from '#contract/market.ts'
import { nanoPerMtok, netPrice, onePrice, type Price } from '#contract/money.ts'
import { placeInBook, quoteWarnings } from '#core/market-data/quote.ts'

import { VENUE } from '#test/support/venue.ts'

import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'

const one = (price: number): Price => onePrice(nanoPerMtok(price))
const book = (...rows: [ask: number, suppliers: number, mine?: boolean][]): BookView => ({
  venueId: VENUE,
  instrument: NANO_INSTRUMENT,
  at: 0,
  jobsLastHour: 0,
  waiting: 0,
  rows: rows.map(([ask, suppliers, mine = false]) => ({
    ask: one(ask),
    suppliers,
    freeSlots: 1,
    mine,
  })),
})

describe('a quote', () => {
  it('takes the fee off a million tokens of each kind', () =>
    expect(netPrice({ ...one(1_000_000_001), cachedInput: nanoPerMtok(100) }, 500)).toEqual({
      input: 950_000_001,
      cachedInput: 95,
      output: 950_000_001,
    }))

  it('stands behind equal asks of others and does not count its own row as a rival', () => {
    expect(placeInBook(book([5, 2], [7, 1]), one(5))).toEqual({ place: 3, of: 4 })
    expect(placeInBook(book([5, 2, true], [7, 1]), one(6))).toEqual({ place: 2, of: 3 })
    expect(placeInBook(book(), one(6))).toEqual({ place: 1, of: 1 })
  })

  it('warns of a zero ask, the last place and a stale book', () => {
    const facts = { ask: one(0), place: { place: 3, of: 3 }, online: true, qualified: true, bookAgeMs: 61_000 }
    expect(quoteWarnings(facts)).toHaveLength(3)
    expect(quoteWarnings({ ...facts, ask: one(1), place: { place: 1, of: 3 }, bookAgeMs: 0 })).toEqual([])
  })
})
