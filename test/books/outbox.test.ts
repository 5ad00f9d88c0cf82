import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { booksMigration } from '#books/books-migration.ts'
import {
  attempted,
  done,
  due,
  openCount,
  OUTBOX_OPEN_MAX,
  OUTBOX_PAYLOAD_MAX,
  outboxMigration,
  put,
} from '#books/outbox.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const open = (path = join(tempDir(), 'a.db')) => openDb({ path, migrations: [booksMigration, outboxMigration] })
const claim = (key: string, n = 1) => ({ kind: 'claim', key, payload: { n }, at: 1_795_000_000_000 })

describe('outbox', () => {
  it('finds what was not answered again after a restart, in order, and nothing that was', () => {
    const db = open()
    db.tx((write) => ['a', 'b', 'c'].forEach((key) => put(write, claim(key))))
    db.tx((write) => {
      done(write, { kind: 'claim', key: 'b' })
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

  it('keeps one row a key: a retry is a duplicate, and another payload a conflict', () => {
    const db = open()
    db.tx((write) => {
      expect([put(write, claim('a')), put(write, { ...claim('a'), at: 9 })]).toEqual(['applied', 'duplicate'])
      expect(() => put(write, claim('a', 2))).toThrow(expect.objectContaining({ code: 'LEDGER_CONFLICT' }))
      expect(put(write, { ...claim('a'), kind: 'other' })).toBe('applied')
    })
    expect(due(db.read).map(({ kind }) => kind)).toEqual(['claim', 'other'])
    db.close()
  })

  it('takes a payload of exactly the bound, and no message more than it may owe the other side', () => {
    const db = open()
    db.tx((write) => {
      // Two characters are its quotes.
      expect(put(write, { ...claim('most'), payload: 'x'.repeat(OUTBOX_PAYLOAD_MAX - 2) })).toBe('applied')
      expect(() => put(write, { ...claim('more'), payload: 'x'.repeat(OUTBOX_PAYLOAD_MAX - 1) })).toThrow(
        expect.objectContaining({ code: 'TOO_LARGE' }),
      )
      write
        .prepare(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO outbox (kind, key, payload, created_at) SELECT 'claim', 'n' || i, '1', 1 FROM n",
        )
        .run(OUTBOX_OPEN_MAX - 2)
      expect(put(write, claim('last'))).toBe('applied')
      expect(() => put(write, claim('over'))).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
      done(write, { kind: 'claim', key: 'n1' })
      expect(put(write, claim('over'))).toBe('applied')
    })
    db.close()
  })

  it('gives at most a page of 1,000, and fewer where fewer are asked for', () => {
    const db = open()
    db.tx((write) => {
      for (let at = 0; at < 1_005; at += 1) put(write, claim(`k${at}`))
    })
    expect(due(db.read)).toHaveLength(1_000)
    expect(due(db.read, { limit: 5_000 })).toHaveLength(1_000)
    expect(due(db.read, { limit: 3 })).toHaveLength(3)
    db.close()
  })

  it('forgets what was answered, of its kind alone, and takes a second answer', () => {
    const db = open()
    db.tx((write) => {
      for (const key of ['answered', 'open']) put(write, claim(key))
      put(write, { ...claim('answered'), kind: 'other' })
      for (const key of ['answered', 'answered', 'never put']) done(write, { kind: 'claim', key })
    })
    expect(db.read.prepare('SELECT kind, key FROM outbox ORDER BY id').all()).toEqual([
      { kind: 'claim', key: 'open' },
      { kind: 'other', key: 'answered' },
    ])
    db.close()
  })
})
