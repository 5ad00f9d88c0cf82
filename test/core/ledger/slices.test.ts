/** The ledger check beside other work: bounded slices, one snapshot, an end when it is called off. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { createBooks } from '#books/books.ts'
import { nano } from '#contract/money.ts'
import { createLedger } from '#core/ledger/index.ts'
import { checkOwnSide, ownSideSliced } from '#core/ledger/ledger.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { finishSlices, type WorkSlice } from '#lib/sliced.ts'
import { Seller } from '#test/support/seller.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { watchReads } from '#test/support/watched-reads.ts'

import { makeFolder } from '../../../tools/bench/charts/folder-of-jobs.ts'

const books = createBooks()
/** Jobs of the folder that have a receipt: more than a slice of any kind. */
const RECEIPTS = 330
let made: string

beforeAll(() => {
  made = mkdtempSync(join(tmpdir(), 'stoker-test-'))
  makeFolder(made, { jobs: RECEIPTS - 200, days: 30, from: Date.UTC(2026, 0, 1) })
})
afterAll(() => rmSync(made, { recursive: true, force: true }))

/** A copy of it, and what `sql` did to it. */
function opened(sql = '') {
  const folder = tempDir()
  cpSync(made, folder, { recursive: true })
  const path = join(folder, 'practice.db')
  const raw = new Database(path)
  raw.exec(sql)
  raw.close()
  const realmDb = openDb({ path, migrations: realmMigrations })
  onTestFinished(() => realmDb.close())
  return { realmDb, books }
}

describe('the ledger check in slices', () => {
  it('reads at most a thousand rows and 25 receipts at a time, and walks no table', () => {
    const { realmDb } = opened()
    const watched = watchReads(realmDb.read)
    const slices: WorkSlice[] = []
    const work = ownSideSliced(watched.db, books)
    let next = work.next()
    for (; next.done !== true; next = work.next()) slices.push(next.value)
    expect(next.value).toMatchObject({ problems: [], receipts: RECEIPTS })
    const most = (part: string): number =>
      Math.max(...slices.filter((slice) => slice.part === part).map(({ rows }) => rows))
    expect(most('transfers')).toBe(1_000)
    expect(most('jobs')).toBe(250)
    expect(most('receipts')).toBe(25)
    expect(slices.filter(({ part }) => part === 'receipts')).toHaveLength(Math.ceil((RECEIPTS + 1) / 25))
    // Every row of every table is in a slice, once.
    const rows = (part: string): number =>
      slices.filter((slice) => slice.part === part).reduce((sum, slice) => sum + slice.rows, 0)
    const count = (table: string): number =>
      realmDb.read.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).get()!.n
    expect([rows('transfers'), rows('jobs'), rows('receipts')]).toEqual(
      ['transfers', 'jobs', 'receipts'].map((table) => count(table)),
    )
    // Names of tables and their aliases in the check's statements; a slice itself is walked by design.
    const walks = watched
      .plans()
      .filter((line) => /^SCAN (transfers|jobs|receipts|releases|pendings|[tjrp])\b/.test(line))
    expect(walks.filter((line) => !line.includes('USING'))).toEqual([])
  })

  it.each([
    ['the last transfer', `UPDATE balances SET debits = debits + 1 WHERE account = 'asset:held'`],
    ['the first job', `UPDATE jobs SET gross_nano = gross_nano + 1, seller_nano = seller_nano + 1 WHERE rowid = 1`],
    [
      'the last settled job',
      `UPDATE jobs SET released_at = NULL WHERE rowid = (SELECT max(rowid) FROM jobs WHERE released_at IS NOT NULL)`,
    ],
    ['the last receipt', `DROP TRIGGER receipts_no_update; UPDATE receipts SET hash = 'x' WHERE seq = ${RECEIPTS}`],
    ['a release in between', `DROP TRIGGER releases_no_delete; DELETE FROM releases WHERE seq = 40`],
    [
      'the last quarter hour',
      `UPDATE rollup_quarter SET jobs = jobs + 1 WHERE quarter_ms = (SELECT max(quarter_ms) FROM rollup_quarter)`,
    ],
  ])('finds a fault in %s, wherever slices end', async (_name, sql) => {
    const context = opened(sql)
    const { problems } = await checkOwnSide(context)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems).toEqual(finishSlices(ownSideSliced(context.realmDb.read, books)).problems)
  })

  it('sees one snapshot, whatever is booked meanwhile', async () => {
    const context = opened()
    const counted = context.realmDb.read.prepare<{ n: number }>('SELECT count(*) AS n FROM transfers').get()!.n
    let booked = 0
    const { problems, transfers } = await checkOwnSide(context, {
      onSlice: () => {
        booked += 1
        context.realmDb.tx((db) =>
          books.transfer(db, {
            id: `meanwhile:${booked}`,
            debit: 'asset:available',
            credit: 'asset:held',
            amount: nano(1),
            code: 'x',
            at: 1,
          }),
        )
      },
    })
    expect(booked).toBeGreaterThan(10)
    expect({ problems, transfers }).toEqual({ problems: [], transfers: counted })
  })
})

describe('one ledger check at a time', () => {
  function ledger() {
    const seller = new Seller(tempDir())
    onTestFinished(() => seller.close())
    return createLedger(seller.context, { compare: () => Promise.reject(new Error('fake')), problems: () => [] })
  }

  it('refuses a second one, and takes the next when the first has ended, also by a failure', async () => {
    const { check } = ledger()
    const first = check()
    await expect(check()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(first).rejects.toThrow('fake')
    await expect(check()).rejects.toThrow('fake')
  })

  it('ends with the call', async () => {
    const context = opened()
    const cancelled = new AbortController()
    const seen: string[] = []
    const checking = checkOwnSide(context, {
      signal: cancelled.signal,
      onSlice: ({ part }) => {
        seen.push(part)
        if (part === 'jobs') cancelled.abort(new Error('called off'))
      },
    })
    await expect(checking).rejects.toThrow('called off')
    expect(seen.at(-1)).toBe('jobs')
  })
})
