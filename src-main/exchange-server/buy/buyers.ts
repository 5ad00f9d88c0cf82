/** Buyers: making one with credit, giving out keys. */
import { nano, type Nano } from '#contract/money.ts'
import type { WriteDb } from '#db/db-types.ts'

import { buyerAccount, ISSUER, openBuyerAccount } from '../exchange-accounts.ts'
import type { MarketContext } from '../exchange-context.ts'
import { insertBuyer, insertBuyerKey } from '../store/buyers.store.ts'

const KEY_PREFIX = 'sk-practice-'
/** 1,000 practice credits. */
export const DEFAULT_CREDIT = nano(1_000_000_000_000)

type Needs = Pick<MarketContext, 'books' | 'terms' | 'ids' | 'clock' | 'db'>

/** A new buyer with credit from the issuer, and its key: shown once, stored hashed. */
export function createBuyer(
  needs: Needs,
  options: { name: string; creditNano: Nano },
): { buyerId: string; key: string } {
  const buyerId = needs.ids.next('buyer')
  const key = KEY_PREFIX + needs.ids.secret(24)
  needs.db.tx((db) => {
    openBuyer(needs, db, { buyerId, name: options.name, practice: false })
    insertBuyerKey(db, key, buyerId, needs.clock.now())
    fund(needs, db, buyerId, options.creditNano)
  })
  return { buyerId, key }
}

export function openBuyer(
  needs: Needs,
  db: WriteDb,
  buyer: { buyerId: string; name: string; practice: boolean },
): void {
  insertBuyer(db, buyer, needs.clock.now())
  openBuyerAccount(needs, db, buyer.buyerId)
}

/** Credit from nowhere but the issuer's own account: practice money. */
export function fund({ books, ids, clock }: Needs, db: WriteDb, buyerId: string, amount: Nano): void {
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
