/**
 * Books of any unit. Catches: an account that loses its unit, a code that means two things in one database, a transfer
 * between units, turnover that stops at the bound of one amount, a balance that passes it, a number that goes through a
 * double on its way back.
 */
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { nano, NANO_LIMIT, TURNOVER_LIMIT } from '#contract/money.ts'
import { unitOf, type Unit } from '#contract/units.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import type { Db } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const books = createBooks()
const code = (wanted: string, reason?: string): unknown =>
  expect.objectContaining({
    code: wanted,
    ...(reason === undefined ? {} : { data: expect.objectContaining({ reason }) as unknown }),
  })
/** Four scales: whole points, hundredths, a token of six, and nine. */
const UNITS: readonly Unit[] = [
  { code: 'stars', kind: 'points', scale: 0, name: 'stars' },
  unitOf('kudos'),
  unitOf('USDC'),
  unitOf('PCR'),
]

const open = (): Db => openDb({ path: join(tempDir(), 'a.db'), migrations: realmMigrations })

function ledger(unit: Unit): Db {
  const db = open()
  db.tx((write) => {
    books.openAccount(write, { id: 'issuer', kind: 'equity', unit })
    books.openAccount(write, { id: 'buyer', kind: 'liability', unit, creditLimited: true })
    books.openAccount(write, { id: 'clearing', kind: 'liability', unit })
  })
  return db
}

describe('an account', () => {
  it.each(UNITS.map((unit) => [unit.code, unit] as const))('of %s carries code, scale and kind', (_, unit) => {
    const db = ledger(unit)
    expect(db.read.prepare('SELECT DISTINCT currency, scale, unit_kind FROM accounts').all()).toEqual([
      { currency: unit.code, scale: unit.scale, unit_kind: unit.kind },
    ])
    expect(books.balance(db.read, 'buyer').unit).toBe(unit.code)
    db.close()
  })

  it('is the same account only with the same unit', () => {
    const db = ledger(UNITS[1]!)
    db.tx((write) => {
      const buyer = { id: 'buyer', kind: 'liability', creditLimited: true } as const
      books.openAccount(write, { ...buyer, unit: UNITS[1]! })
      for (const unit of [UNITS[2]!, { ...UNITS[1]!, scale: 3 }, { ...UNITS[1]!, kind: 'money' as const }])
        expect(() => books.openAccount(write, { ...buyer, unit })).toThrow(code('LEDGER_CONFLICT', 'account'))
    })
    db.close()
  })

  it('cannot give a code another meaning than it has in these books', () => {
    const db = ledger(UNITS[1]!)
    db.tx((write) => {
      for (const unit of [
        { ...UNITS[1]!, scale: 3 },
        { ...UNITS[1]!, kind: 'money' as const },
      ])
        expect(() => books.openAccount(write, { id: 'new', kind: 'asset', unit })).toThrow(
          code('LEDGER_CONFLICT', 'unit'),
        )
      expect(() => write.prepare("UPDATE units SET scale = 3 WHERE code = 'kudos'").run()).toThrow(/append only/)
      expect(() => write.prepare('DELETE FROM units').run()).toThrow(/append only/)
      expect(() => write.prepare("REPLACE INTO units VALUES ('kudos', 3, 'points')").run()).toThrow(/append only/)
    })
    expect(() =>
      db.tx((write) => write.prepare("INSERT INTO accounts VALUES ('x', 'asset', 'kudos', 9, 'points', 0)").run()),
    ).toThrow(/FOREIGN KEY/)
    db.close()
  })

  it('moves nothing to another unit', () => {
    const db = ledger(UNITS[1]!)
    db.tx((write) => {
      books.openAccount(write, { id: 'dollars', kind: 'asset', unit: unitOf('USD') })
      expect(() =>
        books.transfer(write, { id: 't', debit: 'issuer', credit: 'dollars', amount: nano(1), code: 'x', at: 1 }),
      ).toThrow(code('LEDGER_CONFLICT', 'unit'))
    })
    db.close()
  })
})

describe('turnover', () => {
  const transfer = (id: string, debit: string, credit: string, amount: number) => ({
    id,
    debit,
    credit,
    amount: nano(amount),
    code: 'x',
    at: 1,
  })

  it('goes on beyond 2^51 while the balance stays within it, exactly', () => {
    const db = ledger(UNITS[3]!)
    db.tx((write) => {
      for (let round = 0; round < 5; round += 1) {
        books.transfer(write, transfer(`in:${round}`, 'issuer', 'clearing', NANO_LIMIT))
        books.transfer(write, transfer(`out:${round}`, 'clearing', 'issuer', NANO_LIMIT - 1))
        // One is left after each round, so the next one takes it along.
        books.transfer(write, transfer(`rest:${round}`, 'clearing', 'issuer', 1))
      }
      books.transfer(write, transfer('last', 'issuer', 'clearing', 7))
    })
    const turnover = 5n * BigInt(NANO_LIMIT)
    expect(books.balance(db.read, 'clearing')).toMatchObject({ credits: turnover + 7n, debits: turnover })
    expect(books.check(db.read)).toMatchObject({ ok: true, problems: [] })
    db.close()
  })

  it('keeps the balance within 2^51 on both sides, what is pending counted as if posted', () => {
    const db = ledger(UNITS[0]!)
    db.tx((write) => {
      books.transfer(write, transfer('most', 'issuer', 'clearing', NANO_LIMIT))
      for (const over of [transfer('a', 'issuer', 'clearing', 1), transfer('b', 'issuer', 'buyer', 1)]) {
        expect(() => books.transfer(write, over)).toThrow(code('MONEY_RANGE'))
        expect(() => books.reserve(write, { ...over, expiresAt: 9 })).toThrow(code('MONEY_RANGE'))
      }
      // Room on the other side; a reservation takes it, and gives it back only when it is void.
      books.transfer(write, transfer('back', 'clearing', 'issuer', 10))
      books.reserve(write, { ...transfer('held', 'issuer', 'clearing', 10), expiresAt: 9 })
      expect(() => books.transfer(write, transfer('c', 'issuer', 'clearing', 1))).toThrow(code('MONEY_RANGE'))
      books.void(write, { id: 'void', pendingId: 'held', reason: '', at: 2 })
      expect(books.transfer(write, transfer('c', 'issuer', 'clearing', 1))).toBe('applied')
    })
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('ends at 2^62, with an error before the database’s own', () => {
    const db = ledger(UNITS[3]!)
    db.tx((write) => {
      const near = TURNOVER_LIMIT - 5n
      write
        .prepare("UPDATE balances SET debits = ?, credits = ? WHERE account IN ('issuer', 'clearing')")
        .run(near, near)
      expect(() => books.transfer(write, transfer('over', 'issuer', 'clearing', 6))).toThrow(code('MONEY_RANGE'))
      expect(books.transfer(write, transfer('last', 'issuer', 'clearing', 5))).toBe('applied')
    })
    expect(books.balance(db.read, 'clearing')).toMatchObject({ credits: TURNOVER_LIMIT, debits: TURNOVER_LIMIT - 5n })
    for (const column of ['debits', 'credits', 'pending_debits', 'pending_credits'])
      expect(() =>
        db.tx((write) =>
          write.prepare(`UPDATE balances SET ${column} = ? WHERE account = 'buyer'`).run(2n ** 62n + 1n),
        ),
      ).toThrow(/CHECK/)
    db.close()
  })

  it('is the sum of its transfers, whatever was moved, reserved, posted and voided, at every scale', () => {
    const step = fc.record({
      kind: fc.constantFrom('in', 'out', 'reserve', 'post', 'void'),
      amount: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: NANO_LIMIT / 4, max: NANO_LIMIT })),
    })
    fc.assert(
      fc.property(fc.constantFrom(...UNITS), fc.array(step, { maxLength: 30 }), (unit, steps) => {
        const db = ledger(unit)
        const expected = { debits: 0n, credits: 0n }
        const open: { id: string; amount: number }[] = []
        for (const [index, { kind, amount }] of steps.entries()) {
          const id = `t:${index}`
          const pending = open[0]
          try {
            db.tx((write) => {
              if (kind === 'in') {
                books.transfer(write, transfer(id, 'issuer', 'clearing', amount))
                expected.credits += BigInt(amount)
              } else if (kind === 'out') {
                books.transfer(write, transfer(id, 'clearing', 'issuer', amount))
                expected.debits += BigInt(amount)
              } else if (kind === 'reserve') {
                books.reserve(write, { ...transfer(id, 'issuer', 'clearing', amount), expiresAt: 9 })
                open.push({ id, amount })
              } else if (pending !== undefined) {
                // What was reserved can always be posted, in whatever order.
                open.shift()
                if (kind === 'void') books.void(write, { id, pendingId: pending.id, reason: '', at: 2 })
                else {
                  books.post(write, { id, pendingId: pending.id, amount: nano(pending.amount), at: 2 })
                  expected.credits += BigInt(pending.amount)
                }
              }
            })
          } catch (error) {
            expect([kind, error]).toEqual([expect.stringMatching(/^(in|out|reserve)$/), code('MONEY_RANGE')])
          }
        }
        const { debits, credits } = books.balance(db.read, 'clearing')
        expect({ debits, credits }).toEqual(expected)
        const net = credits - debits
        expect(net <= BigInt(NANO_LIMIT) && net >= -BigInt(NANO_LIMIT)).toBe(true)
        expect(books.check(db.read)).toMatchObject({ ok: true, problems: [] })
        db.close()
      }),
      { numRuns: 60 },
    )
  })
})
