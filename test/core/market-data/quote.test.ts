import { describe, it, expect } from 'vitest'

import type { Book } from '#contract/supplier.ts'
import { netPerMtok, placeInBook, quoteWarnings } from '#core/market-data/quote.ts'

import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'

const book = (...rows: [ask: number, suppliers: number, mine?: boolean][]): Book => ({
  instrument: NANO_INSTRUMENT,
  at: 0,
  jobsLastHour: 0,
  waiting: 0,
  rows: rows.map(([ask, suppliers, mine = false]) => ({
    askNanoPerMtok: ask as Book['rows'][0]['askNanoPerMtok'],
    suppliers,
    freeSlots: 1,
    mine,
  })),
})

describe('a quote', () => {
  it('takes the fee off one unit', () => expect(netPerMtok(1_000_000_001, 500)).toBe(950_000_001))

  it('stands behind equal asks of others and does not count its own row as a rival', () => {
    expect(placeInBook(book([5, 2], [7, 1]), 5)).toEqual({ place: 3, of: 4 })
    expect(placeInBook(book([5, 2, true], [7, 1]), 6)).toEqual({ place: 2, of: 3 })
    expect(placeInBook(book(), 6)).toEqual({ place: 1, of: 1 })
  })

  it('warns of a zero ask, the last place and a stale book', () => {
    const facts = { ask: 0, place: { place: 3, of: 3 }, online: true, qualified: true, bookAgeMs: 61_000 }
    expect(quoteWarnings(facts)).toHaveLength(3)
    expect(quoteWarnings({ ...facts, ask: 1, place: { place: 1, of: 3 }, bookAgeMs: 0 })).toEqual([])
  })
})
