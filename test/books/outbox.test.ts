import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { booksMigration } from '#books/books-migration.ts'
import { attempted, done, due, openCount, outboxMigration, prune, put } from '#books/outbox.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const open = (path = join(tempDir(), 'a.db')) => openDb({ path, migrations: [booksMigration, outboxMigration] })
const claim = (key: string, n = 1) => ({ kind: 'claim', key, payload: { n }, at: 1_795_000_000_000 })

describe('outbox', () => {
  it('finds what was not answered again after a restart, in order, and nothing that was', () => {
    const db = open()
    db.tx((write) => ['a', 'b', 'c'].forEach((key) => put(write, claim(key))))
    db.tx((write) => {
      done(write, { kind: 'claim', key: 'b', at: 2 })
      attempted(write, 1)
    })
    db.close()
    const again = open(db.path)
    expect(due(again.read)).toMatchObject([
      { key: 'a', attempts: 1, payload: { n: 1 }, createdAt: 1_795_000_000_000 },
      { key: 'c', attempts: 0 },
    ])
    expect(due(again.read, { after: 1, kind: 'claim', limit: 1 }).map(({ key }) => key)).toEqual(['c'])
    expect(due(again.read, { kind: 'other' })).toEqual([])
    expect(openCount(again.read)).toBe(2)
    again.close()
  })

  it('keeps one row a key: a retry is a duplicate, also after done, and another payload a conflict', () => {
    const db = open()
    db.tx((write) => {
      expect([put(write, claim('a')), put(write, { ...claim('a'), at: 9 })]).toEqual(['applied', 'duplicate'])
      done(write, { kind: 'claim', key: 'a', at: 2 })
      expect(put(write, claim('a'))).toBe('duplicate')
      expect(() => put(write, claim('a', 2))).toThrow(expect.objectContaining({ code: 'LEDGER_CONFLICT' }))
      expect(put(write, { ...claim('a'), kind: 'other' })).toBe('applied')
    })
    expect(due(db.read).map(({ kind }) => kind)).toEqual(['other'])
    db.close()
  })

  it('bounds a payload and forgets only what was done long ago', () => {
    const db = open()
    db.tx((write) => {
      expect(() => put(write, { ...claim('big'), payload: 'x'.repeat(300_000) })).toThrow(
        expect.objectContaining({ code: 'TOO_LARGE' }),
      )
      for (const [key, at] of [
        ['old', 1],
        ['new', 100],
      ] as const) {
        put(write, claim(key))
        done(write, { kind: 'claim', key, at })
      }
      put(write, claim('open'))
      expect(prune(write, 50)).toBe(1)
      expect(prune(write, 50)).toBe(0)
    })
    expect(db.read.prepare('SELECT key FROM outbox ORDER BY id').all()).toEqual([{ key: 'new' }, { key: 'open' }])
    db.close()
  })
})
