import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { nano } from '#contract/money.ts'
import { amount, bigint, bool, defaulted, int, json, named, nullable, real, text } from '#db/column.ts'
import type { Migration, WriteDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { defineTable, type NewRowOf, type RowOf } from '#db/table.ts'
import { tempDir } from '#test/support/temp-dir.ts'

/** Not STRICT, so that it can hold what a damaged or foreign database would. */
const migration: Migration = {
  id: 10,
  name: 'notes',
  up: (exec) =>
    exec(`CREATE TABLE notes (note_id TEXT PRIMARY KEY, state TEXT, price INTEGER, seq INTEGER, share REAL, is_right INTEGER,
      facts_json TEXT, ended_at INTEGER, big INTEGER, tries INTEGER DEFAULT 3)`),
}
const notes = defineTable('notes', {
  noteId: text(),
  state: text<'open' | 'done'>(),
  price: amount(),
  seq: int(),
  share: real(),
  right: named('is_right', nullable(bool())),
  facts: named('facts_json', json<{ words: string[] }>()),
  endedAt: nullable(int()),
  big: bigint(),
  tries: defaulted(int()),
})
type NoteRow = RowOf<typeof notes>

const note = (): NewRowOf<typeof notes> => ({
  noteId: 'n1',
  state: 'open',
  price: nano(7),
  seq: 2 ** 53 - 1,
  share: 0.5,
  right: null,
  facts: { words: ['a', 'b'] },
  endedAt: null,
  big: 2n ** 60n,
})
const open = () => openDb({ path: join(tempDir(), 'a.db'), migrations: [migration] })
const SELECT = `SELECT ${notes.columns} FROM notes`

describe('a table described once', () => {
  it('lists its columns under the names of its fields', () => {
    expect(notes.columns).toBe(
      'note_id AS noteId, state, price, seq, share, is_right AS right, facts_json AS facts, ended_at AS endedAt, big, tries',
    )
  })

  it('reads what it wrote, every kind of value, and what the table fills in', () => {
    const db = open()
    expect(db.tx((write) => notes.insert(write, note()))).toBe(1)
    expect(notes.get(db.read, `${SELECT} WHERE note_id = ?`, 'n1')).toEqual({ ...note(), tries: 3 })
    expect(notes.get(db.read, `${SELECT} WHERE note_id = ?`, 'n2')).toBe(null)
    const other = { ...note(), noteId: 'n2', right: false, tries: 9 }
    db.tx((write) => notes.insert(write, other))
    expect(notes.all(db.read, `${SELECT} ORDER BY note_id DESC`)).toEqual([other, { ...note(), tries: 3 }])
  })

  it('changes the given columns of the rows that are named, and says how many', () => {
    const db = open()
    db.tx((write) => [notes.insert(write, note()), notes.insert(write, { ...note(), noteId: 'n2' })])
    const changed = db.tx((write) =>
      notes.update(write, { right: true, endedAt: 5, facts: { words: [] } }, 'WHERE note_id = ? AND seq > ?', 'n1', 0),
    )
    expect(changed).toBe(1)
    expect(notes.all(db.read, `${SELECT} ORDER BY note_id`)).toEqual([
      { ...note(), tries: 3, right: true, endedAt: 5, facts: { words: [] } },
      { ...note(), tries: 3, noteId: 'n2' },
    ])
  })

  it('picks fields, and reads a field by an expression', () => {
    const db = open()
    db.tx((write) => notes.insert(write, note()))
    const few = notes.pick('noteId', 'right')
    expect(few.get(db.read, `SELECT ${few.columns} FROM notes`)).toEqual({ noteId: 'n1', right: null })
    const shut = notes.by({ endedAt: 'seq - 1', state: `'done'` })
    expect(shut.get(db.read, `SELECT ${shut.columns} FROM notes`)).toMatchObject({
      endedAt: 2 ** 53 - 2,
      state: 'done',
    })
    // A query that forgets a column is a mistake of ours, not of the file.
    expect(() => notes.get(db.read, `SELECT ${few.columns} FROM notes`)).toThrow('does not select state')
  })

  it('inserts by expressions and over conflicts', () => {
    const db = open()
    const next = notes.inserter({
      by: { seq: '(SELECT count(*) FROM notes WHERE state = @state)' },
      conflict: 'ON CONFLICT DO NOTHING',
    })
    const { seq: _seq, ...rest } = note()
    const written = db.tx((write) => ['n1', 'n2', 'n1'].map((noteId) => next(write, { ...rest, noteId })))
    expect(written).toEqual([1, 1, 0])
    expect(notes.all(db.read, `${SELECT} ORDER BY note_id`).map(({ seq }) => seq)).toEqual([0, 1])
  })

  it.each([
    ['seq', '1.5', '1.5', 'seq', 'an integer below 2^53'],
    ['seq', '9007199254740992', '9007199254740992', 'seq', 'an integer below 2^53'],
    ['price', '2251799813685249', '2251799813685249', 'price', 'an integer of at most 2^51'],
    ['price', '0.5', '0.5', 'price', 'an integer of at most 2^51'],
    ['state', 'NULL', 'NULL', 'state', 'text'],
    ['ended_at', `'soon'`, 'a string', 'ended_at', 'an integer below 2^53'],
    ['is_right', '2', '2', 'is_right', '0 or 1'],
    ['facts_json', `'{'`, 'a string', 'facts_json', 'JSON'],
    ['big', '0.25', '0.25', 'big', 'an integer'],
    ['share', `'half'`, 'a string', 'share', 'a number'],
  ])('a row with %s = %s is a typed error that names table and column', (column, value, shown, name, expected) => {
    const db = open()
    db.tx((write) => notes.insert(write, note()))
    db.tx((write) => write.prepare(`UPDATE notes SET ${column} = ${value}`).run())
    const reading = (): unknown => notes.all(db.read, SELECT)
    expect(reading).toThrow(`notes.${name} holds ${shown} where ${expected} belongs`)
    expect(reading).toThrow(expect.objectContaining({ code: 'DB_CORRUPT', data: { table: 'notes', column: name } }))
  })
})

/** Checked by the compiler: a line that compiles against its comment fails the type check. */
export function typesOf(db: WriteDb, row: NoteRow): unknown {
  const { big: _big, ...withoutBig } = note()
  // @ts-expect-error nothing writes `big`
  notes.insert(db, withoutBig)
  // @ts-expect-error the table has no such column
  notes.insert(db, { ...note(), colour: 'red' })
  // @ts-expect-error the table has no such column, also when it comes with a variable
  notes.update(db, Object.assign({ seq: 1 }, { colour: 'red' }), '')
  // @ts-expect-error another kind of value
  notes.insert(db, { ...note(), seq: 'one' })
  // @ts-expect-error a word the column does not have
  notes.update(db, { state: 'gone' }, '')
  // @ts-expect-error an amount is checked money
  notes.update(db, { price: 5 }, '')
  // @ts-expect-error NULL in a column that is never NULL
  notes.update(db, { seq: null }, '')
  const picked = notes.pick('noteId').get(db, '')
  // @ts-expect-error not among the picked fields
  const unpicked: unknown = picked?.state
  const next = notes.inserter({ by: { seq: '1' } })
  // @ts-expect-error the expression gives it
  next(db, note())
  const state: 'open' | 'done' = row.state
  const right: boolean | null = row.right
  return [unpicked, state, right, notes.insert(db, { ...note(), tries: 1 })]
}
