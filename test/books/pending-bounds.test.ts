/** What is pending on an account has a bound of its own, beside that of its balance and of its turnover. */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import { openDb } from '#db/open.ts'
import { BOOKS_TABLES } from '#test/support/books-tables.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const PCR = unitOf('PCR')
const LIMIT = 2 ** 51
const books = createBooks()

describe('books', () => {
  it.each([
    ['debits', (amount: number, other: string) => ({ debit: 'full', credit: other, amount: nano(amount) })],
    ['credits', (amount: number, other: string) => ({ debit: other, credit: 'full', amount: nano(amount) })],
  ] as const)(
    'bounds what is pending as %s by itself, where a balance on the other side makes room',
    (side, between) => {
      const db = openDb({ path: join(tempDir(), 'a.db'), migrations: BOOKS_TABLES })
      db.tx((write) => {
        for (const id of ['full', 'b', 'c', 'd']) books.openAccount(write, { id, kind: 'asset', unit: PCR })
        const common = { code: 'x', at: 1 }
        const room = between(LIMIT, 'b')
        books.transfer(write, { ...common, id: 'room', debit: room.credit, credit: room.debit, amount: room.amount })
        const most = { ...common, ...between(LIMIT, 'c'), id: 'most', expiresAt: 9 }
        expect(books.reserve(write, most), `${side} up to the bound`).toBe('applied')
        expect(() => books.reserve(write, { ...common, ...between(1, 'd'), id: 'over', expiresAt: 9 })).toThrow(
          expect.objectContaining({
            code: 'MONEY_RANGE',
            reason: expect.objectContaining({ code: 'ledger.pendingRange' }),
          }),
        )
      })
      expect(books.check(db.read).ok).toBe(true)
      db.close()
    },
  )
})
