/**
 * The edge of protocol 1, which is frozen and served on loopback only: the exchange works in the frames of version 2.
 * docs/protocol-1.md.
 */
import { asOnePrice, isOnePrice, onePrice } from '#contract/money.ts'
import type { Receipt, ReceiptV1 } from '#contract/receipt.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import type { ExchangeFrameV2, SupplierFrameV2 } from '#contract/supplier-v2.ts'

/** A key that ever spoke version 2 is not let in with version 1, so its chain holds no other. */
function asV1(receipt: Receipt): ReceiptV1 {
  if (receipt.v !== 1) throw new Error(`receipt ${receipt.seq} is of version ${receipt.v}, this session of version 1`)
  return receipt
}

/** Null for what version 1 has no frame for. */
export function toV1(frame: ExchangeFrameV2): ExchangeFrame | null {
  switch (frame.t) {
    case 'job': {
      const { price, cacheScope: _, request, ...job } = frame
      // What the exchange orders is a request of version 1 as well: unservedField is null for it.
      return {
        ...job,
        request: request as Extract<ExchangeFrame, { t: 'job' }>['request'],
        priceNanoPerMtok: asOnePrice(price),
      }
    }
    case 'job.settled':
      return { t: frame.t, receipt: asV1(frame.receipt) }
    case 'sync.result':
      return { ...frame, receipts: frame.receipts.map(asV1) }
    case 'book': {
      // A row of three prices cannot be said.
      const rows = frame.book.rows.flatMap(({ ask, ...row }) =>
        isOnePrice(ask) ? [{ ...row, askNanoPerMtok: asOnePrice(ask) }] : [],
      )
      return { t: frame.t, book: { ...frame.book, rows } }
    }
    case 'audit.request':
    case 'exam.reveal':
      return null
    default:
      return frame
  }
}

export function fromV1(frame: SupplierFrame): SupplierFrameV2 {
  switch (frame.t) {
    case 'offer': {
      const { askNanoPerMtok, ...offer } = frame
      return { ...offer, ask: onePrice(askNanoPerMtok) }
    }
    case 'job.delta':
      return { t: frame.t, jobId: frame.jobId, text: { content: frame.text, reasoning: '', toolCalls: [] } }
    default:
      return frame
  }
}
