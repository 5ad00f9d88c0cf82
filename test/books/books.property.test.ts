import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { BOOKS_TABLES } from '#test/support/books-tables.ts'
import { StokerError } from '#contract/errors.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import { openDb } from '#db/open.ts'
import type { Db, WriteDb } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const PCR = unitOf('PCR')

const books = createBooks()
const ACCOUNTS = ['issuer', 'buyer', 'clearing', 'held'] as const
const BALANCES = (db: Db) => ACCOUNTS.map((id) => books.balance(db.read, id))

/**
 * One thing somebody asks of the ledger. Ids are few, so that retries, duplicates and conflicts happen all the time.
 */
type Step =
  | { do: 'transfer' | 'reserve'; id: number; from: number; to: number; amount: number }
  | { do: 'post'; id: number; pending: number; amount: number }
  | { do: 'void'; id: number; pending: number }
/** How the asking goes: well, cut in the middle of its transaction, or with a kill inside or after it. */
interface Event {
  steps: Step[]
  fate: 'commit' | 'cut' | 'crash' | 'crash inside'
}

const small = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('transfer' as const, 'reserve' as const),
    id: small,
    from: fc.nat(3),
    to: fc.nat(3),
    amount: fc.integer({ min: 1, max: 300 }),
  }),
  fc.record({ do: fc.constant('post' as const), id: small, pending: small, amount: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ do: fc.constant('void' as const), id: small, pending: small }),
)
const event: fc.Arbitrary<Event> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  fate: fc.constantFrom('commit' as const, 'cut' as const, 'crash' as const, 'crash inside' as const),
})

function apply(db: WriteDb, step: Step): 'applied' | 'duplicate' | 'refused' {
  try {
    if (step.do === 'post')
      return books.post(db, {
        id: `post:${step.id}`,
        pendingId: `reserve:${step.pending}`,
        amount: nano(step.amount),
        at: 1,
      })
    if (step.do === 'void')
      return books.void(db, { id: `void:${step.id}`, pendingId: `reserve:${step.pending}`, reason: 'test', at: 1 })
    const spec = {
      id: `${step.do}:${step.id}`,
      debit: ACCOUNTS[step.from]!,
      credit: ACCOUNTS[step.to]!,
      amount: nano(step.amount),
      code: step.do,
      at: 1,
    }
    return step.do === 'reserve' ? books.reserve(db, { ...spec, expiresAt: 10 }) : books.transfer(db, spec)
  } catch (error) {
    if (error instanceof StokerError && error.code.startsWith('LEDGER_')) return 'refused'
    throw error
  }
}

const openLedger = (path: string): Db => {
  const db = openDb({ path, migrations: BOOKS_TABLES })
  db.tx((write) =>
    ACCOUNTS.forEach((id) =>
      books.openAccount(write, { id, kind: 'liability', unit: PCR, creditLimited: id !== 'issuer' }),
    ),
  )
  return db
}
const CUT = new Error('cut')
/** What a kill leaves on disk: the files as they are, the log not folded in, the handle never closed properly. */
function killed(path: string): string {
  const left = `${path}.k`
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) cpSync(path + suffix, left + suffix)
  return left
}

function runEvents(path: string, events: Event[], onState: (db: Db) => void): Db {
  let db = openLedger(path)
  for (const { steps, fate } of events) {
    const before = BALANCES(db)
    let left: string | undefined
    try {
      db.tx((write) => {
        steps.forEach((one) => apply(write, one))
        if (fate === 'crash inside') left = killed(db.path)
        if (fate === 'cut') throw CUT
      })
    } catch (error) {
      if (error !== CUT) throw error
    }
    const expected = fate === 'cut' || fate === 'crash inside' ? before : BALANCES(db)
    if (fate === 'crash') left = killed(db.path)
    if (left !== undefined) {
      db.close()
      db = openLedger(left)
    }
    expect(BALANCES(db)).toEqual(expected)
    onState(db)
  }
  return db
}

describe('books under any order of retries, duplicates, partial failures and crashes', () => {
  it('keeps debits = credits, nobody below zero, and the audit clean', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const folder = tempDir()
        const db = runEvents(join(folder, 'a.db'), events, (now) => {
          const all = BALANCES(now)
          const sum = (pick: (balance: (typeof all)[number]) => bigint | number): bigint =>
            all.reduce((total, balance) => total + BigInt(pick(balance)), 0n)
          expect(sum((one) => one.debits)).toBe(sum((one) => one.credits))
          expect(sum((one) => one.pendingDebits)).toBe(sum((one) => one.pendingCredits))
          expect(all.slice(1).every((one) => one.credits - one.debits - BigInt(one.pendingDebits) >= 0n)).toBe(true)
        })
        expect(books.check(db.read)).toMatchObject({ ok: true, problems: [] })
        db.close()
      }),
      { numRuns: 60 },
    )
  })

  it('changes nothing when everything that was applied is asked again, in any order', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (events, order) => {
        const db = openLedger(join(tempDir(), 'a.db'))
        const applied: Step[] = []
        for (const { steps } of events)
          db.tx((write) =>
            steps.forEach((one) => {
              if (apply(write, one) === 'applied') applied.push(one)
            }),
          )
        const before = BALANCES(db)
        const shuffled = applied.map((one) => ({ one, key: order.next().value })).sort((a, b) => a.key - b.key)
        db.tx((write) => shuffled.forEach(({ one }) => expect(apply(write, one)).toBe('duplicate')))
        expect(BALANCES(db)).toEqual(before)
        db.close()
      }),
      { numRuns: 40 },
    )
  })

  it('comes to the same balances from the same transfers whatever their order and repetition', () => {
    const job = fc.record({ reserved: fc.integer({ min: 1, max: 500 }), share: fc.integer({ min: 0, max: 500 }) })
    fc.assert(
      fc.property(fc.array(job, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (jobs, order) => {
        // Each job: reserve, then resolve; the two may be asked many times, but a resolution is known only after its
        // reserve.
        const run = (repeat: boolean): unknown => {
          const db = openDb({ path: join(tempDir(), 'a.db'), migrations: BOOKS_TABLES })
          db.tx((write) => ACCOUNTS.forEach((id) => books.openAccount(write, { id, kind: 'liability', unit: PCR })))
          const asks = jobs
            .flatMap((one, at) =>
              Array.from({ length: repeat ? 3 : 1 }, () => ({ one, at, key: repeat ? order.next().value : at })),
            )
            .sort((a, b) => a.key - b.key)
          for (const { one, at } of asks) {
            db.tx((write) => {
              books.reserve(write, {
                id: `reserve:${at}`,
                debit: 'buyer',
                credit: 'clearing',
                amount: nano(one.reserved),
                code: 'reserve',
                at: 1,
                expiresAt: 2,
              })
              const amount = Math.min(one.share, one.reserved)
              if (amount === 0) books.void(write, { id: `void:${at}`, pendingId: `reserve:${at}`, reason: '', at: 1 })
              else books.post(write, { id: `post:${at}`, pendingId: `reserve:${at}`, amount: nano(amount), at: 1 })
            })
          }
          const result = { balances: BALANCES(db), check: books.check(db.read) }
          db.close()
          return result
        }
        expect(run(true)).toEqual(run(false))
      }),
      { numRuns: 30 },
    )
  })
})
