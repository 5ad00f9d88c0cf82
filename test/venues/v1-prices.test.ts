/** The edge of protocol 1: one price on the wire, three in the core, and never another one than was asked. */
import { describe, expect, it } from 'vitest'

import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import type { ToVenue } from '#core/exchange/exchange.port.ts'
import { fromV1, toV1 } from '#venues/stoker/v1-prices.ts'

const FIVE = onePrice(nanoPerMtok(5))

describe('a frame of protocol 1', () => {
  it('with a price comes as three equal ones, everything else as it was', () => {
    const job = { t: 'job', jobId: 'job_1', priceNanoPerMtok: 5, reserveNano: 7 } as unknown as ExchangeFrame
    expect(fromV1(job)).toEqual({ t: 'job', jobId: 'job_1', price: FIVE, reserveNano: 7 })
    const row = { suppliers: 1, freeSlots: 2, mine: false }
    const book = { instrument: 'i', at: 1, jobsLastHour: 0, waiting: 3 }
    const sent = { t: 'book', book: { ...book, rows: [{ ...row, askNanoPerMtok: 5 }] } } as unknown as ExchangeFrame
    expect(fromV1(sent)).toEqual({ t: 'book', book: { ...book, rows: [{ ...row, ask: FIVE }] } })
    const other: ExchangeFrame = { t: 'pong', n: 1, time: 2 }
    expect(fromV1(other)).toBe(other)
  })

  it('takes an ask of three equal prices, and refuses three that differ', () => {
    const offer = { t: 'offer', instrument: 'i', slots: 2, ask: FIVE } as unknown as ToVenue
    expect(toV1(offer)).toEqual({ t: 'offer', instrument: 'i', slots: 2, askNanoPerMtok: 5 })
    const apart = { ...offer, ask: { ...FIVE, cachedInput: nanoPerMtok(1) } } as ToVenue
    expect(() => toV1(apart)).toThrow(expect.objectContaining({ code: 'PRICE_UNEQUAL' }))
    const other: ToVenue = { t: 'ping', n: 1 }
    expect(toV1(other)).toBe(other)
  })
})
