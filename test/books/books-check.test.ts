import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { BOOKS_TABLES } from '#test/support/books-tables.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const PCR = unitOf('PCR')

const books = createBooks()

/** `buyer` may not go below zero: 400 of its 1,000 are spent and the rest is reserved. */
function ledger() {
  const db = openDb({ path: join(tempDir(), 'a.db'), migrations: BOOKS_TABLES })
  db.tx((write) => {
    books.openAccount(write, { id: 'issuer', kind: 'equity', unit: PCR })
    books.openAccount(write, { id: 'buyer', kind: 'liability', unit: PCR, creditLimited: true })
    books.openAccount(write, { id: 'clearing', kind: 'liability', unit: PCR })
    books.transfer(write, { id: 'fund', debit: 'issuer', credit: 'buyer', amount: nano(1_000), code: 'fund', at: 1 })
    books.transfer(write, { id: 'spent', debit: 'buyer', credit: 'clearing', amount: nano(400), code: 'x', at: 1 })
    books.reserve(write, {
      id: 'res:1',
      debit: 'buyer',
      credit: 'clearing',
      amount: nano(600),
      code: 'x',
      at: 1,
      expiresAt: 9,
    })
  })
  return db
}
const raw = (id: string, amount: number): string =>
  `INSERT INTO transfers (id, type, debit, credit, currency, amount, code, at) VALUES ('${id}', 'direct', 'buyer', 'clearing', 'PCR', ${amount}, 'x', 1)`

function problemsAfter(...statements: string[]): string[] {
  const db = ledger()
  db.tx((write) => statements.forEach((sql) => write.prepare(sql).run()))
  const { ok, problems } = books.check(db.read)
  db.close()
  expect(ok).toBe(problems.length === 0)
  return problems
}

describe('the audit of the books', () => {
  it('finds nothing where a limited account is at exactly zero and an unlimited one below', () => {
    expect(problemsAfter()).toEqual([])
  })

  it('finds a limited account below zero, with what it reserved', () => {
    expect(problemsAfter(raw('theft', 1))).toEqual([
      'account buyer: the balance is not the sum of its transfers',
      'account buyer is below zero',
      'account clearing: the balance is not the sum of its transfers',
    ])
  })

  it.each([
    ['debits', 'debits and credits are 7 apart'],
    ['pending_debits', 'pending debits and credits are 7 apart'],
  ])('finds %s that the other side does not have', (column, problem) => {
    expect(problemsAfter(`UPDATE balances SET ${column} = ${column} + 7 WHERE account = 'issuer'`)).toEqual([
      'account issuer: the balance is not the sum of its transfers',
      `PCR: ${problem}`,
    ])
  })

  it('finds a reservation that stands without its transfer', () => {
    expect(
      problemsAfter(
        'PRAGMA defer_foreign_keys = ON',
        "INSERT INTO pendings (id, reserved, expires_at, state, posted) VALUES ('fund', 1, 9, 'open', 0)",
      ),
    ).toEqual(['transfer fund is pending without a transfer'])
  })

  it('says each thing once and no more than a hundred of them', () => {
    const many = (count: number): string[] =>
      problemsAfter(
        ...Array.from(
          { length: count },
          (_, at) =>
            `INSERT INTO accounts (id, kind, currency, scale, unit_kind, credit_limited) VALUES ('lost:${at}', 'asset', 'PCR', 9, 'points', 0)`,
        ),
      )
    expect(many(100)).toEqual(Array.from({ length: 100 }, (_, at) => `account lost:${at} has no balance`).toSorted())
    expect(many(130)).toHaveLength(100)
  })

  it('sums an account over more transfers than one slice reads', () => {
    const db = ledger()
    db.tx((write) => {
      for (let at = 0; at < 1_200; at += 1)
        books.transfer(write, { id: `t${at}`, debit: 'issuer', credit: 'clearing', amount: nano(1), code: 'x', at: 1 })
    })
    expect(books.check(db.read)).toMatchObject({ ok: true, problems: [], transfers: 1_203 })
    db.close()
  })

  it.each([['a', 'z'] as const, ['z', 'a'] as const])(
    'names units in the order of their codes, whichever account comes first (%s holds dollars)',
    (dollars, credits) => {
      const db = ledger()
      db.tx((write) => {
        books.openAccount(write, { id: dollars, kind: 'asset', unit: unitOf('USD') })
        books.openAccount(write, { id: credits, kind: 'asset', unit: unitOf('AIPG') })
        write.prepare("UPDATE balances SET debits = debits + 7 WHERE account IN ('a', 'z')").run()
      })
      expect(books.check(db.read).problems.slice(2)).toEqual([
        'AIPG: debits and credits are 7 apart',
        'USD: debits and credits are 7 apart',
      ])
      db.close()
    },
  )
})
