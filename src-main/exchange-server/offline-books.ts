/** The exchange's books without a running exchange: for checks, and for making a buyer's key. */
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import type { PublicKey } from '#contract/ids.ts'
import { fail } from '#contract/errors.ts'
import type { Nano } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { acquireLock } from '#db/lock.ts'
import { openDb } from '#db/open.ts'
import { systemClock } from '#lib/system-clock.ts'
import { readKeyText } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'

import { openExchangeAccounts } from './exchange-accounts.ts'
import { checkExchange, type CheckResult } from './admin/exchange-check.ts'
import { receiptPage, supplierView, type SupplierView } from './admin/supplier-view.ts'
import { createBuyer, DEFAULT_CREDIT } from './buy/buyers.ts'
import { PRACTICE_TERMS } from './exchange-context.ts'
import { exchangeKeyPath } from './exchange-key.ts'
import { exchangeMigrations } from './exchange-db/index.ts'

export interface ExchangeBooks {
  readonly exchangeKey: PublicKey
  check(): CheckResult
  supplier(key: string): SupplierView | null
  receipts(key: string, after: number): { receipts: Receipt[]; more: boolean }
  close(): void
}

/** Opens DIR/exchange beside a running owner, read only. Errors: NOT_FOUND (no exchange here), CONFLICT, DB_*. */
export function openExchangeBooksReadOnly(dir: string): ExchangeBooks {
  const exchangeKey = readKeyText(exchangeKeyPath(dir))?.key.publicKey
  if (exchangeKey === undefined) throw fail('exchange.noneHere', { dir })
  const db = openDb({ path: join(dir, 'exchange.db'), migrations: exchangeMigrations, readOnly: true })
  const books = createBooks()
  return {
    exchangeKey,
    check: () => checkExchange(db.read, books, exchangeKey),
    supplier: (key) => supplierView(db.read, books, key),
    receipts: (key, after) => receiptPage(db.read, key, after),
    close: () => db.close(),
  }
}

/**
 * Makes a buyer's key while no exchange runs on the folder. Error: DATA_LOCKED when one does; ask it over HTTP then.
 */
export function createBuyerKeyOffline(
  dir: string,
  options: { name: string; creditNano?: Nano },
): { buyerId: string; key: string } {
  const lock = acquireLock(join(dir, 'lock.db'))
  try {
    const db = openDb({ path: join(dir, 'exchange.db'), migrations: exchangeMigrations })
    try {
      const deps = {
        db,
        books: createBooks(),
        terms: PRACTICE_TERMS,
        clock: systemClock,
        ids: randomIds(() => systemClock.now()),
      }
      db.tx((write) => openExchangeAccounts(deps, write))
      return createBuyer(deps, { name: options.name, creditNano: options.creditNano ?? DEFAULT_CREDIT })
    } finally {
      db.close()
    }
  } finally {
    lock.release()
  }
}
