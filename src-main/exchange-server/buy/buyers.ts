/** Buyers: making one with credit, giving out keys. */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { nano, type Nano } from '#contract/money.ts'
import type { WriteDb } from '#db/db-types.ts'

import { buyerAccount, ISSUER, openBuyerAccount } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { insertBuyer, insertBuyerKey } from '../store/buyers.store.ts'

const KEY_PREFIX = EMBEDDED_VENUE.keyPrefix
/** 1,000 practice credits. */
export const DEFAULT_CREDIT = nano(1_000_000_000_000)

type BuyersDeps = Pick<ExchangeContext, 'books' | 'terms' | 'ids' | 'clock' | 'db'>

/** A new buyer with credit from the issuer, and its key: shown once, stored hashed. */
export function createBuyer(
  deps: BuyersDeps,
  options: { name: string; creditNano: Nano },
): { buyerId: string; key: string } {
  const buyerId = deps.ids.next('buyer')
  const key = KEY_PREFIX + deps.ids.secret(24)
  deps.db.tx((db) => {
    openBuyer(deps, db, { buyerId, name: options.name, practice: false })
    insertBuyerKey(db, key, buyerId, deps.clock.now())
    fund(deps, db, buyerId, options.creditNano)
  })
  return { buyerId, key }
}

export function openBuyer(
  deps: BuyersDeps,
  db: WriteDb,
  buyer: { buyerId: string; name: string; practice: boolean },
): void {
  insertBuyer(db, buyer, deps.clock.now())
  openBuyerAccount(deps, db, buyer.buyerId)
}

/** Credit from nowhere but the issuer's own account: practice money. */
export function fund({ books, ids, clock }: BuyersDeps, db: WriteDb, buyerId: string, amount: Nano): void {
  if (amount > 0)
    books.transfer(db, {
      id: ids.next('fund'),
      debit: ISSUER,
      credit: buyerAccount(buyerId),
      amount,
      code: 'fund',
      at: clock.now(),
    })
}
