import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { openDb } from '#db/open.ts'
import type { Migration, WriteDb } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const notes: Migration = {
  id: 10,
  name: 'notes',
  up: (exec) =>
    exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, amount INTEGER NOT NULL DEFAULT 0) STRICT'),
}
const open = (path = join(tempDir(), 'a.db')) => openDb({ path, migrations: [notes] })
const count = (db: ReturnType<typeof open>): number =>
  db.read.prepare<{ n: number }>('SELECT count(*) AS n FROM notes').get()!.n

describe('openDb', () => {
  it('sets what durability and integrity rest on (a forgotten pragma)', () => {
    const db = open()
    const pragma = (name: string) => Object.values(db.read.prepare<Record<string, unknown>>(`PRAGMA ${name}`).get()!)[0]
    expect([existsSync(`${db.path}-wal`), pragma('synchronous'), pragma('foreign_keys')]).toEqual([true, 2, 1])
    db.close()
    expect(existsSync(`${db.path}-wal`)).toBe(false)
  })

  it('rolls the whole transaction back when the work throws (half a job in the books)', () => {
    const db = open()
    expect(() =>
      db.tx((write) => {
        write.prepare('INSERT INTO notes (text) VALUES (?)').run('half')
        throw new Error('cut')
      }),
    ).toThrow('cut')
    expect(count(db)).toBe(0)
    db.tx((write) => write.prepare('INSERT INTO notes (text) VALUES (?)').run('whole'))
    expect(count(db)).toBe(1)
    db.close()
  })

  it('refuses nested transactions, promises, a reader that writes and a writer kept past its transaction', () => {
    const db = open()
    let kept: WriteDb | undefined
    expect(() => db.tx(() => db.tx(() => 1))).toThrow(/do not nest/)
    expect(() => db.tx(async () => 1)).toThrow(/promise/)
    expect(() => db.read.prepare('DELETE FROM notes')).toThrow(/reader/)
    db.tx((write) => {
      kept = write
    })
    expect(() => kept!.prepare('DELETE FROM notes')).toThrow(/outside its transaction/)
    db.close()
  })

  it('runs effects after the commit in order, drops them on rollback, and keeps their errors from the caller', () => {
    const error = vi.fn<(details: object, message: string) => void>()
    const db = openDb({ path: join(tempDir(), 'a.db'), migrations: [notes], log: { error } })
    const seen: string[] = []
    const result = db.tx((write) => {
      write.prepare('INSERT INTO notes (text) VALUES (?)').run('x')
      db.afterCommit(() => {
        throw new Error('effect')
      })
      db.afterCommit(() => seen.push(`rows ${count(db)}`))
      seen.push('in the transaction')
      return 7
    })
    expect(() =>
      db.tx(() => {
        db.afterCommit(() => seen.push('never'))
        throw new Error('cut')
      }),
    ).toThrow('cut')
    db.afterCommit(() => seen.push('at once'))
    expect([result, seen, error.mock.calls.length]).toEqual([7, ['in the transaction', 'rows 1', 'at once'], 1])
    db.close()
  })

  it('reads amounts as BigInt through money and as numbers otherwise (a rounded sum)', () => {
    const db = open()
    db.tx((write) => write.prepare('INSERT INTO notes (text, amount) VALUES (?, ?)').run('x', 2n ** 60n))
    expect(db.read.money<{ amount: bigint }>('SELECT amount FROM notes').get()!.amount).toBe(2n ** 60n)
    db.close()
  })

  it('opens read-only without creating, migrating or writing', () => {
    const path = join(tempDir(), 'a.db')
    expect(() => openDb({ path, migrations: [notes], readOnly: true })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
    const owner = open(path)
    owner.tx((write) => write.prepare('INSERT INTO notes (text) VALUES (?)').run('x'))
    const reader = openDb({ path, migrations: [notes], readOnly: true })
    expect(count(reader)).toBe(1)
    expect(() => reader.tx((write) => write.prepare('DELETE FROM notes').run())).toThrow(
      expect.objectContaining({ code: 'DISK_READONLY' }),
    )
    reader.close()
    owner.close()
    const newer: Migration = { id: 20, name: 'more', up: (exec) => exec('CREATE TABLE more (id INTEGER) STRICT') }
    expect(() => openDb({ path, migrations: [notes, newer], readOnly: true })).toThrow(
      expect.objectContaining({ code: 'CONFLICT' }),
    )
  })

  it('says plainly that a file is no database', () => {
    const path = join(tempDir(), 'a.db')
    writeFileSync(path, 'this is not SQLite'.repeat(100))
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'DB_CORRUPT' }))
  })
})
