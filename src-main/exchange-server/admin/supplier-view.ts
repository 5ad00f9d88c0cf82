/** What the exchange tells of one supplier, for its owner and for comparing both sides. Read only. */
import type { Books } from '#books/books-types.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { ReadDb } from '#db/db-types.ts'

import { availableAccount, heldAccount } from '../exchange-accounts.ts'
import { findSupplier, receiptsAfter } from '../store/suppliers.store.ts'

export interface SupplierView {
  supplier: string
  name: string
  lastSeenAt: number
  receipts: number
  lastReceiptSha256: string
  releases: number
  heldNano: number
  availableNano: number
}

/** Null for a supplier that never came. */
export function supplierView(db: ReadDb, books: Books, key: string): SupplierView | null {
  const row = findSupplier(db, key)
  if (row === null) return null
  const balance = (account: string): number => {
    const { credits, debits } = books.balance(db, account)
    return Number(credits - debits)
  }
  return {
    supplier: row.supplier,
    name: row.name,
    lastSeenAt: row.lastSeenAt,
    receipts: row.receiptSeq,
    lastReceiptSha256: row.receiptHead,
    releases: row.releaseSeq,
    heldNano: balance(heldAccount(key)),
    availableNano: balance(availableAccount(key)),
  }
}

const PAGE = 500

export function receiptPage(db: ReadDb, key: string, after: number): { receipts: Receipt[]; more: boolean } {
  const page = receiptsAfter(db, key, after, PAGE + 1)
  return { receipts: page.slice(0, PAGE).map((json) => JSON.parse(json) as Receipt), more: page.length > PAGE }
}
