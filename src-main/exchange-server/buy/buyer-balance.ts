/** What a buyer has, and what was paid back: integers of 10^-scale of the exchange's unit. */
import { buyerAccount } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { refundsOf } from '../store/refunds.store.ts'

const REFUNDS_SHOWN = 100

/** `credit` is what is left to spend, `reserved` beside it what running calls may still cost. */
export function buyerBalance({ db, books, terms }: ExchangeContext, buyerId: string): object {
  const { credits, debits, pendingDebits } = books.balance(db.read, buyerAccount(buyerId))
  return {
    object: 'balance',
    unit: terms.unit.code,
    scale: terms.unit.scale,
    credit: Number(credits - debits) - pendingDebits,
    reserved: pendingDebits,
    refunds: refundsOf(db.read, buyerId, REFUNDS_SHOWN).map(({ jobId, amountNano, at }) => ({
      job: jobId,
      amount: amountNano,
      created: Math.floor(at / 1_000),
      reason: 'answer_lost',
    })),
  }
}
