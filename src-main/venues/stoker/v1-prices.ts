/**
 * Protocol 1 has one price for all tokens, the core has three. What comes is three equal ones; what goes out is one, or
 * an error: an offer that would sell at another price than was asked is never sent.
 */
import { asOnePrice, onePrice } from '#contract/money.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import type { FromVenue, ToVenue } from '#core/exchange/exchange.port.ts'

export function fromV1(frame: ExchangeFrame): FromVenue {
  if (frame.t === 'job') {
    const { priceNanoPerMtok, ...rest } = frame
    return { ...rest, price: onePrice(priceNanoPerMtok) }
  }
  if (frame.t !== 'book') return frame
  const rows = frame.book.rows.map(({ askNanoPerMtok, ...row }) => ({ ...row, ask: onePrice(askNanoPerMtok) }))
  return { t: 'book', book: { ...frame.book, rows } }
}

/** Error: PRICE_UNEQUAL. */
export function toV1(frame: ToVenue): SupplierFrame {
  if (frame.t !== 'offer') return frame
  const { ask, ...rest } = frame
  return { ...rest, askNanoPerMtok: asOnePrice(ask) }
}
