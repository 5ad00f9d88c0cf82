/**
 * Where the money of a good receipt differs from what we counted and what the exchange stated. Pure. A receipt with any
 * difference is kept as evidence and not booked (docs/decisions/0013-receipts-against-our-own-count.md).
 */
import { because, type Reason, type ReasonCode } from '#contract/reasons.ts'
import { z } from 'zod'

import { receiptDifference, type ReceiptDifference } from '#contract/jobs.ts'
import type { Price } from '#contract/money.ts'
import { receiptPrice } from '#books/receipts.ts'
import type { Receipt } from '#contract/receipt.ts'
import { DAY_MS, SECOND_MS } from '#contract/time.ts'

const PARTS = ['input', 'output', 'cachedInput'] as const

/** Accepted where we do not know what was stated: jobs from before terms were kept, and those of a restored copy. */
const HOLD_UNSTATED_MS = 90 * DAY_MS

/** What we know of a job apart from its receipt. */
export interface KnownTerms {
  /** The price it was won at; null for a job we have no row of. */
  price: Price | null
  /** What the exchange stated when the job was won; null where we do not know it. */
  feeBps: number | null
  holdMs: number | null
  /** The exchange said that the buyer left, before or after we sent the claim. */
  buyerLeft: boolean
}

/** Our own count is the claim's: the receipt carries it under our own signature, which was checked before. */
export function differencesOf(receipt: Receipt, terms: KnownTerms): ReceiptDifference[] {
  const { billed, claim, settledAt, releaseAt } = receipt
  const found: ReceiptDifference[] = []
  const note = (code: ReceiptDifference['code'], ours: number, theirs: number): void =>
    void found.push({ code, ours, theirs })
  if (billed.inputTokens !== claim.usage.inputTokens) note('INPUT_COUNT', claim.usage.inputTokens, billed.inputTokens)
  // What a buyer who left had received is known to the exchange alone; it is never more than what we sent.
  const tooFew = billed.outputTokens < claim.usage.outputTokens && !terms.buyerLeft
  if (tooFew || billed.outputTokens > claim.usage.outputTokens)
    note('OUTPUT_COUNT', claim.usage.outputTokens, billed.outputTokens)
  const billedAt = receiptPrice(receipt)
  // Where the job was won at other prices, the first of the three that differs.
  const part = terms.price === null ? undefined : PARTS.find((one) => terms.price![one] !== billedAt[one])
  if (terms.price !== null && part !== undefined) note('PRICE', terms.price[part], billedAt[part])
  if (terms.feeBps !== null && receipt.feeBps > terms.feeBps) note('FEE', terms.feeBps, receipt.feeBps)
  const stated = terms.holdMs ?? HOLD_UNSTATED_MS
  if (releaseAt - settledAt > stated) note('HOLD', stated, releaseAt - settledAt)
  return found
}

const CODES = {
  INPUT_COUNT: 'dispute.inputCount',
  OUTPUT_COUNT: 'dispute.outputCount',
  PRICE: 'dispute.price',
  FEE: 'dispute.fee',
  HOLD: 'dispute.hold',
} as const satisfies Record<ReceiptDifference['code'], ReasonCode>

/** HOLD in seconds, the others as they are. */
export function differenceReason({ code, ours, theirs }: ReceiptDifference): Reason {
  const per = code === 'HOLD' ? SECOND_MS : 1
  return because(CODES[code], { ours: ours / per, theirs: theirs / per })
}

/** As stored by us in `jobs.dispute`. */
export const parseDifferences = (json: string): ReceiptDifference[] =>
  z.array(receiptDifference).parse(JSON.parse(json))
