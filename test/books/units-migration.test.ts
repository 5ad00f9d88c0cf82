/**
 * The rebuild of accounts and balances. Catches: an account, balance or pending sum that is not what it was, a trigger
 * or reference that the rebuild lost, another schema than that of a new database, a unit that a row of before gets
 * wrongly.
 */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { booksMigration } from '#books/books-migration.ts'
import { unitsMigration } from '#books/units-migration.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import type { Db } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const books = createBooks()
const BEFORE = [booksMigration]
const AFTER = [booksMigration, unitsMigration(80)]

/** Rows as version 0.2 wrote them. */
const ROWS = `
  INSERT INTO accounts VALUES ('issuer', 'equity', 'PCR', 0), ('buyer', 'liability', 'PCR', 1), ('cash', 'asset', 'USD', 0),
    ('owed', 'liability', 'USD', 0), ('toy', 'asset', 'SIM', 0);
  INSERT INTO balances (account) VALUES ('toy');
  INSERT INTO balances VALUES ('issuer', 900, 0, 40, 0), ('buyer', 0, 900, 0, 40), ('cash', 2251799813685248, 0, 0, 0), ('owed', 0, 2251799813685248, 0, 0);
  INSERT INTO transfers (id, type, debit, credit, currency, amount, code, at, expires_at) VALUES
    ('fund', 'direct', 'issuer', 'buyer', 'PCR', 900, 'fund', 1, NULL),
    ('reserve', 'pending', 'issuer', 'buyer', 'PCR', 40, 'x', 1, 9),
    ('most', 'direct', 'cash', 'owed', 'USD', 2251799813685248, 'x', 1, NULL);
  INSERT INTO pendings VALUES ('reserve', 40, 9, 'open', 0);`

function earlier(path: string): void {
  const db = openDb({ path, migrations: BEFORE })
  db.tx((write) => {
    for (const sql of ROWS.split(';').filter((one) => one.trim() !== '')) write.prepare(sql).run()
  })
  db.close()
}
const dump = (db: Db, table: string, columns: string): unknown[] =>
  db.read.money(`SELECT ${columns} FROM ${table} ORDER BY 1`).all()
const everything = (db: Db): unknown => ({
  accounts: dump(db, 'accounts', 'id, kind, currency, credit_limited'),
  balances: dump(db, 'balances', 'account, debits, credits, pending_debits, pending_credits'),
  transfers: dump(db, 'transfers', '*'),
  pendings: dump(db, 'pendings', '*'),
  check: books.check(db.read),
})

describe('the rebuild of accounts and balances', () => {
  it('changes no account, no balance, no transfer, and the check says the same before and after', () => {
    const path = join(tempDir(), 'a.db')
    earlier(path)
    const old = openDb({ path, migrations: BEFORE })
    const before = everything(old)
    old.close()
    const db = openDb({ path, migrations: AFTER })
    expect(everything(db)).toEqual(before)
    expect(books.check(db.read)).toMatchObject({ ok: true, problems: [], accounts: 5, transfers: 3 })
    db.close()
  })

  it('gives every row of before its unit', () => {
    const path = join(tempDir(), 'a.db')
    earlier(path)
    const db = openDb({ path, migrations: AFTER })
    expect(dump(db, 'units', 'code, scale, kind')).toEqual(
      ['PCR', 'SIM', 'USD'].map((code) => ({ code, scale: 9n, kind: unitOf(code).kind })),
    )
    // So that an account of before is confirmed, not refused, when it is opened again.
    db.tx((write) => books.openAccount(write, { id: 'cash', kind: 'asset', unit: unitOf('USD') }))
    db.close()
  })

  it('makes the schema of a new database, triggers and references included', () => {
    const path = join(tempDir(), 'a.db')
    earlier(path)
    const [migrated, fresh] = [path, join(tempDir(), 'b.db')].map((one) => openDb({ path: one, migrations: AFTER }))
    const schema = (db: Db): unknown[] =>
      db.read.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()
    expect(schema(migrated!)).toEqual(schema(fresh!))
    for (const db of [migrated!, fresh!]) {
      const names = db.read.prepare<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()
      expect(names.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          'accounts_no_update',
          'accounts_no_delete',
          'accounts_no_replace',
          'balances_no_delete',
          'transfers_resolve',
        ]),
      )
      db.close()
    }
  })

  it('keeps what the triggers and references forbid forbidden', () => {
    const path = join(tempDir(), 'a.db')
    earlier(path)
    const db = openDb({ path, migrations: AFTER })
    const run = (sql: string) => (): void => db.tx((write) => void write.prepare(sql).run())
    expect(run("UPDATE accounts SET kind = 'asset' WHERE id = 'buyer'")).toThrow(/append only/)
    expect(run("DELETE FROM accounts WHERE id = 'toy'")).toThrow(/append only/)
    expect(run("DELETE FROM balances WHERE account = 'toy'")).toThrow(/are kept/)
    expect(run("INSERT INTO balances (account) VALUES ('nobody')")).toThrow(/FOREIGN KEY/)
    expect(
      run(
        "INSERT INTO transfers (id, type, debit, credit, currency, amount, code, at) VALUES ('x', 'direct', 'nobody', 'buyer', 'PCR', 1, 'x', 1)",
      ),
    ).toThrow(/FOREIGN KEY/)
    db.close()
  })

  it('lets an account that stood at its bound turn over more, and posts what was pending', () => {
    const path = join(tempDir(), 'a.db')
    earlier(path)
    const db = openDb({ path, migrations: AFTER })
    db.tx((write) => {
      books.transfer(write, { id: 'back', debit: 'owed', credit: 'cash', amount: nano(9), code: 'x', at: 2 })
      books.transfer(write, { id: 'again', debit: 'cash', credit: 'owed', amount: nano(9), code: 'x', at: 3 })
      books.post(write, { id: 'post', pendingId: 'reserve', amount: nano(40), at: 4 })
    })
    expect(books.balance(db.read, 'cash')).toMatchObject({ debits: 2n ** 51n + 9n, credits: 9n })
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })
})
