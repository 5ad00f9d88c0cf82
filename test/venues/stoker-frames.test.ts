/** The edge of protocol 1: one price on the wire, three in the core, and never another one than was asked. */
import { describe, expect, it } from 'vitest'

import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import type { VenueOffer } from '#core/venues/venue.port.ts'
import { eventOf, stokerVerbs } from '#venues/stoker/stoker-frames.ts'

const FIVE = onePrice(nanoPerMtok(5))

describe('a frame of protocol 1', () => {
  it('with a price comes as three equal ones, everything else as it was', () => {
    const job = { t: 'job', jobId: 'job_1', priceNanoPerMtok: 5, reserveNano: 7 } as unknown as ExchangeFrame
    expect(eventOf(job)).toEqual({ kind: 'job', job: { jobId: 'job_1', price: FIVE, reserveNano: 7 } })
    const row = { suppliers: 1, freeSlots: 2, mine: false }
    const book = { instrument: 'i', at: 1, jobsLastHour: 0, waiting: 3 }
    const sent = { t: 'book', book: { ...book, rows: [{ ...row, askNanoPerMtok: 5 }] } } as unknown as ExchangeFrame
    expect(eventOf(sent)).toEqual({ kind: 'book', book: { ...book, rows: [{ ...row, ask: FIVE }] } })
    expect(eventOf({ t: 'pong', n: 1, time: 2 })).toBeNull()
  })

  it('takes an ask of three equal prices; three that differ are refused and nothing is sent', () => {
    const sent: SupplierFrame[] = []
    const { declare } = stokerVerbs((frame) => sent.push(frame))
    const offer = { instrument: 'i', slots: 2, ask: FIVE } as unknown as VenueOffer
    declare(offer)
    expect(sent).toEqual([{ t: 'offer', instrument: 'i', slots: 2, askNanoPerMtok: 5 }])
    expect(() => declare({ ...offer, ask: { ...FIVE, cachedInput: nanoPerMtok(1) } })).toThrow(
      expect.objectContaining({ code: 'PRICE_UNEQUAL' }),
    )
    expect(sent).toHaveLength(1)
  })
})
