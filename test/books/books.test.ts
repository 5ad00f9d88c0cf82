import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { BOOKS_TABLES } from '#test/support/books-tables.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const PCR = unitOf('PCR')
const USD = unitOf('USD')

const books = createBooks()
const LIMIT = 2 ** 51

function ledger() {
  const db = openDb({ path: join(tempDir(), 'a.db'), migrations: BOOKS_TABLES })
  db.tx((write) => {
    books.openAccount(write, { id: 'equity:issuer', kind: 'equity', unit: PCR })
    books.openAccount(write, { id: 'buyer', kind: 'liability', unit: PCR, creditLimited: true })
    books.openAccount(write, { id: 'clearing', kind: 'liability', unit: PCR })
    books.openAccount(write, { id: 'dollars', kind: 'asset', unit: USD })
    books.transfer(write, {
      id: 'fund',
      debit: 'equity:issuer',
      credit: 'buyer',
      amount: nano(1_000),
      code: 'fund',
      at: 1,
    })
  })
  return db
}
const reserveOf = (amount: number, id = 'reserve:1') => ({
  id,
  debit: 'buyer',
  credit: 'clearing',
  amount: nano(amount),
  code: 'reserve',
  jobId: 'job_1',
  at: 2,
  expiresAt: 100,
})
const code = (wanted: string, reason?: string): unknown =>
  expect.objectContaining({
    code: wanted,
    ...(reason === undefined ? {} : { data: expect.objectContaining({ reason }) as unknown }),
  })

describe('books', () => {
  it('holds a reservation on both sides, posts a part and frees the rest', () => {
    const db = ledger()
    db.tx((write) => books.reserve(write, reserveOf(600)))
    expect(books.balance(db.read, 'buyer')).toEqual({
      unit: 'PCR',
      debits: 0n,
      credits: 1_000n,
      pendingDebits: 600,
      pendingCredits: 0,
    })
    db.tx((write) => books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(250), at: 3 }))
    expect(books.balance(db.read, 'buyer')).toEqual({
      unit: 'PCR',
      debits: 250n,
      credits: 1_000n,
      pendingDebits: 0,
      pendingCredits: 0,
    })
    expect(books.balance(db.read, 'clearing')).toEqual({
      unit: 'PCR',
      debits: 0n,
      credits: 250n,
      pendingDebits: 0,
      pendingCredits: 0,
    })
    expect(books.check(db.read)).toEqual({ ok: true, problems: [], accounts: 4, transfers: 3 })
    db.close()
  })

  it('resolves a reservation once, whichever way came first (a buyer charged after a refund)', () => {
    const db = ledger()
    db.tx((write) => {
      books.reserve(write, reserveOf(600))
      books.void(write, { id: 'void:1', pendingId: 'reserve:1', reason: 'supplier failed', at: 3 })
      expect(books.void(write, { id: 'void:1', pendingId: 'reserve:1', reason: 'another telling', at: 9 })).toBe(
        'duplicate',
      )
      expect(() => books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(1), at: 4 })).toThrow(
        code('LEDGER_CLOSED'),
      )
      expect(() => books.void(write, { id: 'void:2', pendingId: 'reserve:1', reason: '', at: 4 })).toThrow(
        code('LEDGER_CLOSED'),
      )
    })
    expect(books.balance(db.read, 'buyer')).toMatchObject({ debits: 0n, pendingDebits: 0 })
    db.close()
  })

  it('counts pending debits against a limited account (a buyer who spends the same credit twice)', () => {
    const db = ledger()
    db.tx((write) => {
      books.reserve(write, reserveOf(600))
      expect(() => books.reserve(write, reserveOf(401, 'reserve:2'))).toThrow(code('LEDGER_CONFLICT', 'limit'))
      expect(books.reserve(write, reserveOf(400, 'reserve:2'))).toBe('applied')
      expect(() =>
        books.transfer(write, { id: 'pay', debit: 'buyer', credit: 'clearing', amount: nano(1), code: 'x', at: 1 }),
      ).toThrow(code('LEDGER_CONFLICT', 'limit'))
    })
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('takes a retry at a later time as the same transfer and other content as a conflict', () => {
    const db = ledger()
    db.tx((write) => {
      expect(books.reserve(write, reserveOf(10))).toBe('applied')
      expect(books.reserve(write, { ...reserveOf(10), at: 50, expiresAt: 500 })).toBe('duplicate')
      for (const other of [
        reserveOf(11),
        { ...reserveOf(10), credit: 'equity:issuer' },
        { ...reserveOf(10), jobId: 'job_2' },
        { ...reserveOf(10), code: 'sale' },
      ]) {
        expect(() => books.reserve(write, other)).toThrow(code('LEDGER_CONFLICT', 'content'))
      }
      expect(() => books.transfer(write, reserveOf(10))).toThrow(code('LEDGER_CONFLICT', 'content'))
      books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(4), at: 3 })
      expect(books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(4), at: 9 })).toBe('duplicate')
      expect(() => books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(5), at: 3 })).toThrow(
        code('LEDGER_CONFLICT', 'content'),
      )
    })
    expect(books.balance(db.read, 'clearing')).toMatchObject({ credits: 4n, pendingCredits: 0 })
    db.close()
  })

  it('refuses mixed currencies, unknown accounts, unknown reservations and posts above the reserve', () => {
    const db = ledger()
    db.tx((write) => {
      expect(() =>
        books.transfer(write, { id: 'a', debit: 'dollars', credit: 'clearing', amount: nano(1), code: 'x', at: 1 }),
      ).toThrow(code('LEDGER_CONFLICT', 'unit'))
      expect(() =>
        books.transfer(write, { id: 'a', debit: 'nobody', credit: 'clearing', amount: nano(1), code: 'x', at: 1 }),
      ).toThrow(code('LEDGER_UNKNOWN'))
      expect(() =>
        books.transfer(write, { id: 'a', debit: 'clearing', credit: 'clearing', amount: nano(1), code: 'x', at: 1 }),
      ).toThrow(code('LEDGER_CONFLICT', 'account'))
      expect(() => books.post(write, { id: 'a', pendingId: 'nothing', amount: nano(1), at: 1 })).toThrow(
        code('LEDGER_UNKNOWN'),
      )
      expect(() => books.post(write, { id: 'a', pendingId: 'fund', amount: nano(1), at: 1 })).toThrow(
        code('LEDGER_UNKNOWN'),
      )
      books.reserve(write, reserveOf(10))
      expect(() => books.post(write, { id: 'a', pendingId: 'reserve:1', amount: nano(11), at: 1 })).toThrow(
        code('LEDGER_CONFLICT', 'reserve'),
      )
      expect(() => books.openAccount(write, { id: 'buyer', kind: 'asset', unit: PCR, creditLimited: true })).toThrow(
        code('LEDGER_CONFLICT'),
      )
    })
    expect(() => books.balance(db.read, 'nobody')).toThrow(code('LEDGER_UNKNOWN'))
    expect(books.balance(db.read, 'clearing').credits).toBe(0n)
    db.close()
  })

  it('keeps amounts and balances within 2^51, pending counted, without touching anything', () => {
    const db = ledger()
    db.tx((write) => {
      for (const amount of [0, -1, 0.5, LIMIT + 1, Number.NaN]) {
        expect(() =>
          books.transfer(write, {
            id: 'a',
            debit: 'equity:issuer',
            credit: 'clearing',
            amount: amount as ReturnType<typeof nano>,
            code: 'x',
            at: 1,
          }),
        ).toThrow(code('MONEY_RANGE'))
      }
      books.reserve(write, { ...reserveOf(LIMIT - 1_000), debit: 'equity:issuer' })
      expect(() =>
        books.transfer(write, {
          id: 'a',
          debit: 'equity:issuer',
          credit: 'dollars',
          amount: nano(1),
          code: 'x',
          at: 1,
        }),
      ).toThrow(code('LEDGER_CONFLICT', 'unit'))
      expect(() =>
        books.transfer(write, {
          id: 'a',
          debit: 'equity:issuer',
          credit: 'clearing',
          amount: nano(1),
          code: 'x',
          at: 1,
        }),
      ).toThrow(code('MONEY_RANGE'))
      books.post(write, { id: 'b', pendingId: 'reserve:1', amount: nano(LIMIT - 1_000), at: 2 })
    })
    expect(books.balance(db.read, 'equity:issuer').debits).toBe(BigInt(LIMIT))
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('takes ids of 1 to 200 characters, in every call', () => {
    const db = ledger()
    db.tx((write) => {
      const reserved = books.reserve(write, reserveOf(10, 'r'.repeat(200)))
      expect(reserved).toBe('applied')
      for (const id of ['', 'x'.repeat(201)]) {
        expect(() => books.openAccount(write, { id, kind: 'asset', unit: PCR })).toThrow(code('BAD_REQUEST'))
        expect(() => books.reserve(write, reserveOf(10, id))).toThrow(code('BAD_REQUEST'))
        expect(() => books.post(write, { id, pendingId: 'r'.repeat(200), amount: nano(1), at: 3 })).toThrow(
          code('BAD_REQUEST'),
        )
      }
      books.openAccount(write, { id: 'a', kind: 'asset', unit: PCR })
    })
    db.close()
  })

  it('opens an account once: again is nothing, and another kind, currency or limit is refused', () => {
    const db = ledger()
    const buyer = { id: 'buyer', kind: 'liability', unit: PCR, creditLimited: true } as const
    db.tx((write) => {
      books.openAccount(write, buyer)
      for (const other of [
        { ...buyer, kind: 'asset' as const },
        { ...buyer, unit: USD },
        { ...buyer, creditLimited: false },
      ])
        expect(() => books.openAccount(write, other)).toThrow(code('LEDGER_CONFLICT', 'account'))
    })
    expect(books.balance(db.read, 'buyer').credits).toBe(1_000n)
    db.close()
  })

  it('has no balance for an account that lost its row', () => {
    const db = ledger()
    db.tx((write) => {
      write.prepare('DROP TRIGGER balances_no_delete').run()
      write.prepare("DELETE FROM balances WHERE account = 'dollars'").run()
    })
    expect(() => books.balance(db.read, 'dollars')).toThrow(code('LEDGER_UNKNOWN'))
    db.close()
  })

  it('refuses an unknown account on either side by its name', () => {
    const db = ledger()
    const between = (debit: string, credit: string) => () =>
      db.tx((write) => books.transfer(write, { id: 'a', debit, credit, amount: nano(1), code: 'x', at: 1 }))
    expect(between('nobody', 'clearing')).toThrow('there is no account nobody')
    expect(between('clearing', 'nobody')).toThrow('there is no account nobody')
    db.close()
  })

  it('lends a limited account nothing: what was spent and what is reserved both count, to the last unit', () => {
    const db = ledger()
    db.tx((write) => {
      books.transfer(write, { id: 'spent', debit: 'buyer', credit: 'clearing', amount: nano(100), code: 'x', at: 1 })
      books.reserve(write, reserveOf(200))
      expect(() => books.reserve(write, reserveOf(701, 'res:2'))).toThrow(code('LEDGER_CONFLICT', 'limit'))
      expect(books.reserve(write, reserveOf(700, 'res:2'))).toBe('applied')
    })
    db.close()
  })

  it('adds up what several reservations post, on both sides, and names a void as one', () => {
    const db = ledger()
    db.tx((write) => {
      for (const at of [1, 2, 3]) books.reserve(write, reserveOf(100, `res:${at}`))
      books.post(write, { id: 'post:1', pendingId: 'res:1', amount: nano(30), at: 5 })
      books.post(write, { id: 'post:2', pendingId: 'res:2', amount: nano(100), at: 6 })
      books.void(write, { id: 'void:3', pendingId: 'res:3', reason: 'x', at: 7 })
    })
    expect(books.balance(db.read, 'buyer')).toMatchObject({ debits: 130n, pendingDebits: 0 })
    expect(books.balance(db.read, 'clearing')).toMatchObject({ credits: 130n, pendingCredits: 0 })
    expect(
      db.read.prepare('SELECT id, type, code, amount FROM transfers WHERE pending_id IS NOT NULL ORDER BY seq').all(),
    ).toEqual([
      { id: 'post:1', type: 'post', code: 'reserve', amount: 30 },
      { id: 'post:2', type: 'post', code: 'reserve', amount: 100 },
      { id: 'void:3', type: 'void', code: 'void', amount: 100 },
    ])
    expect(db.read.prepare('SELECT id, state, posted FROM pendings ORDER BY id').all()).toEqual([
      { id: 'res:1', state: 'posted', posted: 30 },
      { id: 'res:2', state: 'posted', posted: 100 },
      { id: 'res:3', state: 'voided', posted: 0 },
    ])
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it.each([
    ['what is debited', 'full', 'other'],
    ['what is credited', 'other', 'full'],
  ])('keeps %s within 2^51, posted and pending together, to the last unit', (_, debit, credit) => {
    const db = ledger()
    db.tx((write) => {
      for (const id of ['full', 'other', 'third']) books.openAccount(write, { id, kind: 'asset', unit: PCR })
      const between = (amount: number, id: string) => ({ id, debit, credit, amount: nano(amount), code: 'x', at: 1 })
      // The other side of each is an account that stays far below.
      const aside = (amount: number, id: string) => ({
        ...between(amount, id),
        ...(debit === 'full' ? { credit: 'third' } : { debit: 'third' }),
      })
      books.transfer(write, between(LIMIT - 10, 'most'))
      books.reserve(write, { ...aside(4, 'pending'), expiresAt: 9 })
      expect(() => books.transfer(write, aside(7, 'over'))).toThrow(code('MONEY_RANGE'))
      expect(() => books.reserve(write, { ...aside(7, 'over'), expiresAt: 9 })).toThrow(code('MONEY_RANGE'))
      expect(books.transfer(write, aside(6, 'last'))).toBe('applied')
      books.post(write, { id: 'post', pendingId: 'pending', amount: nano(4), at: 2 })
    })
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('moves the largest amount there is at once', () => {
    const db = ledger()
    db.tx((write) => {
      books.openAccount(write, { id: 'vault', kind: 'asset', unit: PCR })
      expect(
        books.transfer(write, { id: 'all', debit: 'vault', credit: 'clearing', amount: nano(LIMIT), code: 'x', at: 1 }),
      ).toBe('applied')
    })
    db.close()
  })
})

describe('the database itself', () => {
  it('refuses to rewrite history, whoever writes', () => {
    const db = ledger()
    db.tx((write) => {
      books.reserve(write, reserveOf(10))
      books.post(write, { id: 'post:1', pendingId: 'reserve:1', amount: nano(4), at: 3 })
    })
    const row = (id: string, amount: number, pending: string | null, type: string) =>
      `INTO transfers (id, type, debit, credit, currency, amount, code, at, pending_id) VALUES ('${id}', '${type}', 'buyer', 'clearing', 'PCR', ${amount}, 'x', 1, ${pending === null ? 'NULL' : `'${pending}'`})`
    const attempts: [string, RegExp][] = [
      ["UPDATE transfers SET amount = 1 WHERE id = 'fund'", /append only/],
      ["DELETE FROM transfers WHERE id = 'fund'", /append only/],
      [`INSERT OR REPLACE ${row('fund', 1, null, 'direct')}`, /append only/],
      ["UPDATE accounts SET kind = 'asset'", /append only/],
      ["DELETE FROM accounts WHERE id = 'dollars'", /append only/],
      ["UPDATE pendings SET state = 'voided', posted = 0", /resolved once/],
      ['DELETE FROM pendings', /kept/],
      ['DELETE FROM balances', /kept/],
      [`INSERT ${row('zero', 0, null, 'direct')}`, /CHECK/],
      [`INSERT ${row('much', LIMIT + 1, null, 'direct')}`, /CHECK/],
      [`INSERT ${row('again', 1, 'reserve:1', 'void')}`, /append only/],
      [
        "INSERT INTO transfers (id, type, debit, credit, currency, amount, code, at) VALUES ('usd', 'direct', 'dollars', 'clearing', 'USD', 1, 'x', 1)",
        /FOREIGN KEY/,
      ],
    ]
    for (const [sql, why] of attempts) expect(() => db.tx((write) => write.prepare(sql).run())).toThrow(why)
    db.tx((write) => books.reserve(write, reserveOf(10, 'reserve:2')))
    expect(() => db.tx((write) => write.prepare(`INSERT ${row('over', 11, 'reserve:2', 'post')}`).run())).toThrow(
      /fit its pending/,
    )
    expect(() =>
      db.tx((write) => write.prepare("UPDATE pendings SET state = 'posted', posted = 11 WHERE id = 'reserve:2'").run()),
    ).toThrow(/CHECK/)
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('is caught by check when a projection is bent', () => {
    const bends: [string, RegExp][] = [
      ["UPDATE balances SET credits = credits + 1 WHERE account = 'buyer'", /buyer: the balance is not the sum/],
      ["UPDATE pendings SET state = 'voided' WHERE id = 'reserve:1'", /reserve:1 has a pending state/],
      ['DROP TRIGGER balances_no_delete; DELETE FROM balances', /has no balance/],
      ["DROP TRIGGER transfers_no_update; UPDATE transfers SET amount = 5 WHERE id = 'fund'", /not the sum/],
      [
        'DROP TRIGGER transfers_no_delete; PRAGMA defer_foreign_keys = ON; DROP TRIGGER pendings_no_delete; DELETE FROM pendings',
        /pending state/,
      ],
    ]
    for (const [sql, problem] of bends) {
      const db = ledger()
      db.tx((write) => books.reserve(write, reserveOf(10)))
      db.tx((write) => sql.split('; ').forEach((statement) => write.prepare(statement).run()))
      const { ok, problems } = books.check(db.read)
      expect([sql, ok, problems.some((line) => problem.test(line))]).toEqual([sql, false, true])
      db.close()
    }
  })
})
