import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { BOOKS_TABLES } from '#test/support/books-tables.ts'
import type { Books } from '#books/books-types.ts'
import { transferId, type TransferStep } from '#books/transfer-ids.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import type { WriteDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { earlierBooks, EXCHANGE_WORDS, SELLER_WORDS } from '#test/support/earlier-books.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const PCR = unitOf('PCR')

const JOB = 'job_1'
const books = createBooks()

function ledger() {
  const db = openDb({ path: join(tempDir(), 'a.db'), migrations: BOOKS_TABLES })
  db.tx((write) => {
    for (const id of ['held', 'income', 'available'])
      books.openAccount(write, { id, kind: id === 'income' ? 'income' : 'asset', unit: PCR })
  })
  return db
}

/** One step of a job, as both sides book it. */
function book(db: WriteDb, using: Books, step: 'reserve' | 'post' | 'void' | 'release'): unknown {
  const id = transferId(db, step, JOB)
  const pendingId = transferId(db, 'reserve', JOB)
  const common = { amount: nano(70), jobId: JOB, at: 1 }
  if (step === 'reserve')
    return using.reserve(db, { ...common, id, debit: 'held', credit: 'income', code: 'sale', expiresAt: 9 })
  if (step === 'post') return using.post(db, { id, pendingId, amount: nano(70), at: 2 })
  if (step === 'void') return using.void(db, { id, pendingId, reason: '', at: 2 })
  return using.transfer(db, { ...common, id, debit: 'available', credit: 'held', code: 'release' })
}
const idsOf = (db: ReturnType<typeof ledger>): string[] =>
  db.read
    .prepare<{ id: string }>('SELECT id FROM transfers ORDER BY seq')
    .all()
    .map(({ id }) => id)

describe('transfer ids', () => {
  it('are the job and the step, in the same words on both sides', () => {
    const db = ledger()
    const steps: TransferStep[] = ['reserve', 'post', 'void', 'fee', 'pay', 'release']
    expect(steps.map((step) => transferId(db.read, step, JOB))).toEqual([
      'job_1:reserve',
      'job_1:post',
      'job_1:void',
      'job_1:fee',
      'job_1:pay',
      'job_1:release',
    ])
  })

  it('do not mistake another job for this one', () => {
    const db = ledger()
    db.tx((write) => book(write, earlierBooks(SELLER_WORDS), 'reserve'))
    expect(transferId(db.read, 'reserve', 'job_2')).toBe('job_2:reserve')
  })
})

describe.each([
  ['version 0.1 of the seller', SELLER_WORDS, ['claim:job_1', 'settle:job_1', 'release:job_1']],
  ['version 0.1 of the exchange', EXCHANGE_WORDS, ['res:job_1', 'post:job_1', 'rel:job_1']],
  ['version 0.2', {}, ['reserve:job_1', 'post:job_1', 'release:job_1']],
])('a database that %s wrote', (_side, words, ids) => {
  const before = earlierBooks(words)

  it('books every step once more under no other id: repeats are duplicates', () => {
    const db = ledger()
    const steps = ['reserve', 'post', 'release'] as const
    db.tx((write) => steps.forEach((step) => book(write, before, step)))
    expect(idsOf(db)).toEqual(ids)
    expect(db.tx((write) => steps.map((step) => book(write, books, step)))).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
    ])
    expect(idsOf(db)).toEqual(ids)
    expect(books.balance(db.read, 'available').debits).toBe(70n)
    expect(books.check(db.read)).toMatchObject({ ok: true })
  })

  it.each(['post', 'void'] as const)('resolves what is still pending by %s, once', (step) => {
    const db = ledger()
    db.tx((write) => book(write, before, 'reserve'))
    expect(books.balance(db.read, 'held').pendingDebits).toBe(70)
    expect(db.tx((write) => [book(write, books, step), book(write, books, step)])).toEqual(['applied', 'duplicate'])
    expect(idsOf(db)).toEqual([ids[0], `job_1:${step}`])
    expect(books.balance(db.read, 'held')).toMatchObject({ pendingDebits: 0, debits: step === 'post' ? 70n : 0n })
    expect(() => db.tx((write) => book(write, books, step === 'post' ? 'void' : 'post'))).toThrow(
      expect.objectContaining({ code: 'LEDGER_CLOSED' }),
    )
    expect(books.check(db.read)).toMatchObject({ ok: true })
  })
})
