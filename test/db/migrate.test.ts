import { existsSync } from 'node:fs'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { booksMigration } from '#books/books-migration.ts'
import { outboxMigration } from '#books/outbox.ts'
import { backupPath } from '#db/migrate.ts'
import { openDb } from '#db/open.ts'
import type { Db, Migration } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const one: Migration = { id: 10, name: 'one', up: (exec) => exec('CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT') }
const two: Migration = {
  id: 20,
  name: 'two',
  up: (exec) => exec('ALTER TABLE one ADD COLUMN text TEXT; CREATE TABLE two (id INTEGER PRIMARY KEY) STRICT'),
}
const broken: Migration = {
  id: 30,
  name: 'broken',
  up(exec) {
    exec('DROP TABLE two')
    throw new Error('cut')
  },
}
const schema = (db: Db): unknown[] =>
  db.read.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all()
const version = (db: Db): number => db.read.prepare<{ user_version: number }>('PRAGMA user_version').get()!.user_version

describe('migrations', () => {
  it('gives a fresh database and one upgraded step by step the same schema', () => {
    const all = [booksMigration, outboxMigration]
    const fresh = openDb({ path: join(tempDir(), 'a.db'), migrations: all })
    const path = join(tempDir(), 'b.db')
    for (let upTo = 1; upTo < all.length; upTo += 1) openDb({ path, migrations: all.slice(0, upTo) }).close()
    const upgraded = openDb({ path, migrations: all })
    expect(schema(upgraded)).toEqual(schema(fresh))
    expect(version(upgraded)).toBe(version(fresh))
    fresh.close()
    upgraded.close()
  })

  it('copies an existing database before the first pending migration, with its rows, and a fresh one not at all', () => {
    const path = join(tempDir(), 'a.db')
    const before = openDb({ path, migrations: [one] })
    before.tx((write) => write.prepare('INSERT INTO one (id) VALUES (7)').run())
    before.close()
    expect(existsSync(backupPath(path, 0))).toBe(false)
    openDb({ path, migrations: [one, two] }).close()
    const copy = openDb({ path: backupPath(path, 10), migrations: [one], readOnly: true })
    expect(copy.read.prepare('SELECT id FROM one').all()).toEqual([{ id: 7 }])
    copy.close()
  })

  it('refuses a file with other tables than its number has, before anything is changed: one sentence with the path', () => {
    const path = join(tempDir(), 'a.db')
    const between: Migration = {
      ...two,
      up: (exec) => exec('ALTER TABLE one ADD COLUMN title TEXT; CREATE TABLE two (id INTEGER PRIMARY KEY) STRICT'),
    }
    openDb({ path, migrations: [one, between] }).close()
    const more: Migration = { id: 40, name: 'more', up: (exec) => exec('CREATE INDEX text ON one (text)') }
    for (const options of [
      { migrations: [one, two] },
      { migrations: [one, two, more] },
      { migrations: [one, two], readOnly: true },
    ]) {
      expect(() => openDb({ path, ...options })).toThrow(
        expect.objectContaining({
          code: 'DB_CORRUPT',
          reason: { code: 'db.otherTables', params: { path, version: 20, table: 'one' } },
        }),
      )
    }
    openDb({ path, migrations: [one, between] }).close()
    const extra: Migration = {
      id: 10,
      name: 'one',
      up: (exec) => (one.up(exec), exec('CREATE TABLE two (id INT) STRICT')),
    }
    const other = join(tempDir(), 'b.db')
    openDb({ path: other, migrations: [extra] }).close()
    expect(() => openDb({ path: other, migrations: [one, two] })).toThrow(
      expect.objectContaining({ reason: expect.objectContaining({ code: 'db.otherTables' }) }),
    )
  })

  it('changes nothing when a later migration fails, and can be tried again', () => {
    const path = join(tempDir(), 'a.db')
    openDb({ path, migrations: [one] }).close()
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(() => openDb({ path, migrations: [one, two, broken] })).toThrow('cut')
    const db = openDb({ path, migrations: [one] })
    expect(version(db)).toBe(10)
    expect(schema(db)).toHaveLength(1)
    db.close()
  })

  it('refuses a database from the future, plainly and untouched', () => {
    const path = join(tempDir(), 'a.db')
    openDb({ path, migrations: [one, two] }).close()
    for (const readOnly of [false, true]) {
      expect(() => openDb({ path, migrations: [one], readOnly })).toThrow(
        expect.objectContaining({
          code: 'DB_FROM_FUTURE',
          message: expect.stringContaining('newer Stoker') as unknown,
        }),
      )
    }
    const db = openDb({ path, migrations: [one, two] })
    expect(version(db)).toBe(20)
    db.close()
  })

  it('accepts exactly the lists whose numbers rise in tens', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 60 }), { maxLength: 4 }), (ids) => {
        const rising = ids.every((id, at) => id % 10 === 0 && id > (ids[at - 1] ?? 0))
        const open = () =>
          openDb({
            path: ':memory:',
            migrations: ids.map((id) => ({ id, name: `n${id}`, up: () => undefined })),
          }).close()
        let problem = ''
        try {
          open()
        } catch (error) {
          problem = (error as Error).message
        }
        expect(problem).toMatch(rising ? /^$/ : /must be a multiple of ten above/)
      }),
    )
  })
})
