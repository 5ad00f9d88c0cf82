/**
 * A migration that says how far it is. Catches: a copy or a step that blocks the event loop, a long step of which nothing
 * is heard, one that is told after it was done, half copies that stay, a copy that is not whole or misses rows, a failed migration that leaves something changed, references
 * that a rebuilt table breaks, a database migrated although it is new, current or of the future.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'

import { bringUpToDate, progressLine } from '#db/bring-up-to-date.ts'
import { backupPath } from '#db/migrate.ts'
import { openDb } from '#db/open.ts'
import type { Migration, MigrationProgress } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const one: Migration = {
  id: 10,
  name: 'one',
  up: (exec) =>
    exec(
      'CREATE TABLE one (id INTEGER PRIMARY KEY, text TEXT) STRICT; CREATE TABLE child (of INTEGER NOT NULL REFERENCES one (id)) STRICT',
    ),
}
/** SQLite's steps for another shape of a table that others refer to. */
const rebuilt: Migration = {
  id: 20,
  name: 'rebuilt',
  up: (exec) =>
    exec(`CREATE TABLE one_new (id INTEGER PRIMARY KEY, text TEXT, more TEXT) STRICT;
      INSERT INTO one_new (id, text) SELECT id, text FROM one;
      DROP TABLE one;
      ALTER TABLE one_new RENAME TO one`),
}
/** About a second of one statement. */
const slow: Migration = {
  id: 20,
  name: 'slow',
  up: (exec) =>
    exec(`CREATE TABLE counted AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000)
      SELECT max(i) AS most FROM n`),
}
const losing: Migration = { id: 30, name: 'losing', up: (exec) => exec('DELETE FROM one WHERE id = 1') }

const ROWS = 20_000
/** About 30 MB: several slices of the copy. */
function filled(): string {
  const path = join(tempDir(), 'a.db')
  const db = openDb({ path, migrations: [one] })
  db.tx((write) => {
    const insert = write.prepare('INSERT INTO one (id, text) VALUES (?, ?)')
    for (let id = 1; id <= ROWS; id += 1) insert.run(id, 'x'.repeat(1_500))
    write.prepare('INSERT INTO child (of) VALUES (1)').run()
  })
  db.close()
  return path
}
const versionAt = (path: string): unknown => {
  const db = new Database(path, { readonly: true })
  const version = db.pragma('user_version', { simple: true })
  db.close()
  return version
}

describe('a database brought up to date', () => {
  it('is copied in slices, each told, with turns of the loop between them; then migrated step by step', async () => {
    const path = filled()
    const told: MigrationProgress[] = []
    let turns = 0
    let turning = true
    const turn = (): void => {
      turns += 1
      if (turning) setImmediate(turn)
    }
    setImmediate(turn)
    const turnsAt: number[] = []
    await bringUpToDate({
      path,
      migrations: [one, rebuilt],
      onProgress(progress) {
        // A busy machine takes longer than two seconds, and is told so.
        if (progress.seconds !== undefined) return
        turnsAt.push(turns)
        told.push(progress)
      },
    })
    turning = false
    const copying = told.filter(({ step }) => step === 'copying')
    expect(copying.length).toBeGreaterThan(3)
    expect(new Set(turnsAt.slice(0, copying.length)).size).toBeGreaterThan(3)
    expect(copying.every(({ done }, at) => done > (copying[at - 1]?.done ?? -1))).toBe(true)
    expect(told.slice(copying.length)).toEqual([
      { file: 'a.db', step: 'migrating', done: 0, total: 1, name: 'rebuilt' },
      { file: 'a.db', step: 'checking', done: 1, total: 1, name: null },
    ])
    expect(versionAt(path)).toBe(20)
  })

  it('says a step before it is done, and goes on saying so while it takes; the loop turns meanwhile', async () => {
    const path = filled()
    const told: { progress: MigrationProgress; version: unknown }[] = []
    let turns = 0
    const turning = setInterval(() => (turns += 1), 5)
    await bringUpToDate({
      path,
      migrations: [one, slow],
      tickMs: 100,
      onProgress: (progress) => told.push({ progress, version: versionAt(path) }),
    })
    clearInterval(turning)
    const steps = told.filter(({ progress }) => progress.step === 'migrating')
    expect(steps.length).toBeGreaterThan(3)
    expect(steps.every(({ version }) => version === 10)).toBe(true)
    expect(steps.map(({ progress }) => progress.seconds).slice(0, 2)).toEqual([undefined, expect.any(Number)])
    expect(turns).toBeGreaterThan(20)
    expect(versionAt(path)).toBe(20)
  })

  it('removes what a killed start left half made, also when nothing is pending', async () => {
    const path = filled()
    for (const end of ['before-10.tmp', 'before-10.tmp-journal', 'before-5.tmp', 'new'])
      writeFileSync(`${path}.${end}`, 'x')
    await bringUpToDate({ path, migrations: [one], onProgress: () => undefined })
    expect(readdirSync(join(path, '..'))).toEqual(['a.db'])
  })

  it('leaves a whole copy of before, a single file that opens read-only', async () => {
    const path = filled()
    await bringUpToDate({ path, migrations: [one, rebuilt], onProgress: () => undefined })
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('before'))).toEqual(['a.db.before-10'])
    const copy = openDb({ path: backupPath(path, 10), migrations: [one], readOnly: true })
    expect(copy.read.prepare('SELECT count(*) AS n FROM one').get()).toEqual({ n: ROWS })
    copy.close()
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('before'))).toEqual(['a.db.before-10'])
  })

  it('keeps the references to a rebuilt table, and enforces them afterwards', async () => {
    const path = filled()
    await bringUpToDate({ path, migrations: [one, rebuilt], onProgress: () => undefined })
    const db = openDb({ path, migrations: [one, rebuilt] })
    expect(db.read.prepare('SELECT of FROM child').all()).toEqual([{ of: 1 }])
    expect(() => db.tx((write) => write.prepare('DELETE FROM one WHERE id = 1').run())).toThrow(/FOREIGN KEY/)
    db.close()
  })

  it('changes nothing when a migration breaks a reference, opened either way', async () => {
    const path = filled()
    const migrations = [one, rebuilt, losing]
    await expect(bringUpToDate({ path, migrations, onProgress: () => undefined })).rejects.toThrow(/1 broken reference/)
    expect(() => openDb({ path, migrations })).toThrow(/1 broken reference/)
    expect(versionAt(path)).toBe(10)
    await bringUpToDate({ path, migrations: [one, rebuilt], onProgress: () => undefined })
    expect(versionAt(path)).toBe(20)
  })

  it('is not copied when it is current, new or not there, and refused when it is newer', async () => {
    const path = join(tempDir(), 'b.db')
    const told: MigrationProgress[] = []
    const run = (migrations: readonly Migration[]) =>
      bringUpToDate({ path, migrations, onProgress: (progress) => told.push(progress) })
    await run([one])
    expect(existsSync(path)).toBe(false)
    openDb({ path, migrations: [one, rebuilt] }).close()
    await run([one, rebuilt])
    await expect(run([one])).rejects.toMatchObject({ code: 'DB_FROM_FUTURE' })
    expect([told, existsSync(backupPath(path, 20))]).toEqual([[], false])
  })
})

describe('the line for the owner', () => {
  it.each([
    [{ step: 'copying', done: 1, total: 3, name: null }, 'Bringing a.db up to date: copying it first, 33 %'],
    [{ step: 'copying', done: 0, total: 0, name: null }, 'Bringing a.db up to date: copying it first, 0 %'],
    [{ step: 'migrating', done: 1, total: 4, name: 'units' }, 'Bringing a.db up to date: step 2 of 4 (units)'],
    [
      { step: 'migrating', done: 1, total: 4, name: 'units', seconds: 34 },
      'Bringing a.db up to date: step 2 of 4 (units), 34 s',
    ],
    [{ step: 'checking', done: 4, total: 4, name: null }, 'Bringing a.db up to date: checking it'],
  ] as const)('of %j', (progress, line) => {
    expect(progressLine({ file: 'a.db', ...progress })).toBe(line)
  })
})
