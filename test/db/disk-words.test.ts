/**
 * What a disk does to an open database, in words. Catches: a raw error of SQLite that leaves the room, a failed write
 * that is forgotten, trouble that stays after the disk is back, a reader that needs to write, advice that names a copy
 * which does not exist, a cut-off file that silently begins anew.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { noteCleanEnd, takeCleanEnd } from '#db/clean-end.ts'
import { newestCopy } from '#db/copies.ts'
import { acquireLock, isHeld } from '#db/lock.ts'
import { openDb } from '#db/open.ts'
import type { Db, Migration } from '#db/db-types.ts'
import { CAN_FREEZE, freeze, HAS_SMALL_DISKS, smallDisk, thaw } from '#test/support/small-disk.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const notes: Migration = {
  id: 10,
  name: 'notes',
  up: (exec) => exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'),
}
function opened(path: string): Db {
  const db = openDb({ path, migrations: [notes] })
  onTestFinished(() => db.close())
  return db
}
const write = (db: Db, text = 'x'): unknown =>
  db.tx((to) => to.prepare('INSERT INTO notes (text) VALUES (?)').run(text))
const count = (db: Db): number => db.read.prepare<{ n: number }>('SELECT count(*) AS n FROM notes').get()!.n

describe.skipIf(!HAS_SMALL_DISKS)('a database on a full disk', () => {
  it('reads on, says which disk when it is written, and is well again once there is room', () => {
    const disk = smallDisk(4)!
    onTestFinished(() => disk.remove())
    const db = opened(join(disk.path, 'a.db'))
    write(db)
    disk.fill()
    const failed = expect.objectContaining({ code: 'DISK_FULL', data: expect.objectContaining({ path: db.path }) })
    expect(() => write(db, 'y'.repeat(500_000))).toThrow(failed)
    expect([db.trouble(), db.tryWrite() && count(db)]).toEqual([failed, expect.anything()])
    expect(count(db)).toBe(1)
    disk.free()
    expect([db.tryWrite(), db.trouble()]).toEqual([true, null])
    write(db)
    expect(count(db)).toBe(2)
  })

  it('leaves no half copy when a migration finds no room for it', () => {
    const disk = smallDisk(4)!
    onTestFinished(() => disk.remove())
    const path = join(disk.path, 'a.db')
    const db = openDb({ path, migrations: [notes] })
    write(db, 'y'.repeat(1_000_000))
    db.close()
    disk.fill()
    const more: Migration = { id: 20, name: 'more', up: (exec) => exec('CREATE TABLE more (id INTEGER) STRICT') }
    expect(() => openDb({ path, migrations: [notes, more] })).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    expect(readdirSync(disk.path).filter((name) => name.includes('tmp'))).toEqual([])
  })
})

describe.skipIf(!CAN_FREEZE)('a database that nobody may change', () => {
  it('is read without a write after a clean end, and not opened for writing', () => {
    const path = join(tempDir(), 'a.db')
    const db = openDb({ path, migrations: [notes] })
    write(db)
    db.close()
    const folder = join(path, '..')
    try {
      expect([freeze(path), freeze(folder)]).toEqual([true, true])
      const reader = openDb({ path, migrations: [notes], readOnly: true })
      expect(count(reader)).toBe(1)
      reader.close()
      expect(() => openDb({ path, migrations: [notes] })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^DISK_/) }),
      )
    } finally {
      thaw(folder)
      thaw(path)
    }
  })
})

describe('a database whose file goes away or is none', () => {
  it('is gone, in words', () => {
    const path = join(tempDir(), 'folder', 'a.db')
    expect(() => openDb({ path, migrations: [notes] })).toThrow(
      expect.objectContaining({ code: 'DISK_FAILED', message: expect.stringContaining(path) }),
    )
  })

  it('of no bytes is refused: its records must not silently begin anew', () => {
    const path = join(tempDir(), 'a.db')
    writeFileSync(path, '')
    expect(() => openDb({ path, migrations: [notes] })).toThrow(/is empty.*Stoker made no copy/)
  })

  it('that a killed start left half made is made anew', () => {
    const path = join(tempDir(), 'a.db')
    for (const end of ['new', 'new-journal', 'before-10.tmp', 'before-10.tmp-journal'])
      writeFileSync(`${path}.${end}`, 'x')
    opened(path)
    expect(readdirSync(join(path, '..')).filter((name) => name.startsWith('a.db.'))).toEqual([])
  })

  it('is told damaged by the first statement that sees it, and stays so', () => {
    const path = join(tempDir(), 'a.db')
    const db = opened(path)
    for (let at = 0; at < 50; at += 1) write(db, 'z'.repeat(1_000))
    db.close()
    const whole = readFileSync(path)
    const size = whole.readUInt16BE(16)
    // The second page is the root of the only table.
    whole.fill(0xab, size, 2 * size)
    writeFileSync(path, whole)
    const again = opened(path)
    expect(() => count(again)).toThrow(expect.objectContaining({ code: 'DB_CORRUPT' }))
    expect(again.trouble()).toMatchObject({ code: 'DB_CORRUPT' })
    expect([again.tryWrite(), again.trouble()?.code]).toEqual([true, 'DB_CORRUPT'])
  })

  it('is advised the newest copy there is, and none that is not', () => {
    const path = join(tempDir(), 'a.db')
    expect(newestCopy(path)).toBeNull()
    writeFileSync(`${path}.before-10.tmp`, 'half')
    writeFileSync(`${path}.before-20`, '')
    expect(newestCopy(path)).toBeNull()
    writeFileSync(`${path}.before-10`, 'whole')
    expect(newestCopy(path)).toBe(`${path}.before-10`)
  })
})

describe('a lock', () => {
  it('is looked at without a write', () => {
    const dir = tempDir()
    const path = join(dir, 'lock.db')
    expect(isHeld(path)).toBe(false)
    acquireLock(path).release()
    writeFileSync(join(dir, 'owner.json'), '{"pid":1}')
    expect([isHeld(path), existsSync(join(dir, 'owner.json'))]).toEqual([false, true])
  })

  it('of garbage says that it may be deleted', () => {
    const path = join(tempDir(), 'lock.db')
    writeFileSync(path, 'garbage'.repeat(700))
    expect(() => acquireLock(path)).toThrow(/not a lock file of Stoker/)
  })
})

describe('the note of a clean end', () => {
  it('holds for files that are as they were left, once', () => {
    const dir = tempDir()
    const [one, other, gone] = ['one.db', 'other.db', 'gone.db'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ]
    for (const path of [one, other, gone]) writeFileSync(path, 'as it was')
    noteCleanEnd(dir, [one, other, gone])
    writeFileSync(other, 'AS IT WAS')
    renameSync(gone, `${gone}.away`)
    expect([...takeCleanEnd(dir)]).toEqual([one])
    expect([...takeCleanEnd(dir)]).toEqual([])
  })

  it('that is garbage or cannot be read holds for none', () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'ended.json'), '{"a":')
    expect([...takeCleanEnd(dir)]).toEqual([])
  })
})
