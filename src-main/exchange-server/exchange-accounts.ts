/** Names of the exchange's accounts, and opening them. */
import type { ExchangeContext } from './exchange-context.ts'
import type { WriteDb } from '#db/db-types.ts'

export const ISSUER = 'equity:issuer'
export const CLEARING = 'liability:clearing'
export const FEES = 'income:fees'
/** What the exchange pays back for answers that its own end lost. */
export const INCIDENTS = 'expense:incidents'
export const buyerAccount = (buyerId: string): string => `liability:buyer:${buyerId}`
export const heldAccount = (supplier: string): string => `liability:supplier:${supplier}:held`
export const availableAccount = (supplier: string): string => `liability:supplier:${supplier}:available`

type Opener = Pick<ExchangeContext, 'books' | 'terms'>

export function openExchangeAccounts({ books, terms: { unit } }: Opener, db: WriteDb): void {
  books.openAccount(db, { id: ISSUER, kind: 'equity', unit })
  books.openAccount(db, { id: CLEARING, kind: 'liability', unit, creditLimited: true })
  books.openAccount(db, { id: FEES, kind: 'income', unit })
  books.openAccount(db, { id: INCIDENTS, kind: 'expense', unit })
}

export function openBuyerAccount({ books, terms: { unit } }: Opener, db: WriteDb, buyerId: string): void {
  books.openAccount(db, { id: buyerAccount(buyerId), kind: 'liability', unit, creditLimited: true })
}

export function openSupplierAccounts({ books, terms: { unit } }: Opener, db: WriteDb, supplier: string): void {
  books.openAccount(db, { id: heldAccount(supplier), kind: 'liability', unit, creditLimited: true })
  books.openAccount(db, { id: availableAccount(supplier), kind: 'liability', unit })
}
