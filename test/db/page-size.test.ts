/** Catches: new files with large pages, old ones that keep them, rows that a rewrite loses or reorders, no copy before it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { expect, it } from 'vitest'

import { bringUpToDate, progressLine } from '#db/bring-up-to-date.ts'
import type { Migration, MigrationProgress } from '#db/db-types.ts'
import { backupPath } from '#db/migrate.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const one: Migration = { id: 10, name: 'one', up: (exec) => exec('CREATE TABLE one (id TEXT PRIMARY KEY) STRICT') }
const two: Migration = { id: 20, name: 'two', up: (exec) => exec('CREATE TABLE two (id TEXT) STRICT') }

/** A file as versions before this one made it. */
function older(): string {
  const path = join(tempDir(), 'old.db')
  const sqlite = new Database(path)
  sqlite.pragma('page_size = 4096')
  sqlite.pragma('journal_mode = WAL')
  one.up((sql) => sqlite.exec(sql))
  sqlite.pragma('user_version = 10')
  for (let at = 0; at < 500; at += 1) sqlite.prepare('INSERT INTO one (id) VALUES (?)').run(`row ${(at * 7) % 500}`)
  sqlite.exec(`DELETE FROM one WHERE id LIKE '%3'`)
  sqlite.close()
  return path
}

const look = (path: string): unknown => {
  const sqlite = new Database(path, { readonly: true })
  const rows = sqlite.prepare('SELECT id FROM one ORDER BY rowid').pluck().all()
  const found = [sqlite.pragma('page_size', { simple: true }), rows]
  sqlite.close()
  return found
}

async function broughtUp(path: string, migrations: readonly Migration[]): Promise<MigrationProgress[]> {
  const steps: MigrationProgress[] = []
  await bringUpToDate({ path, migrations, onProgress: (progress) => steps.push(progress) })
  return steps
}

it('a new file has pages of 512 bytes', () => {
  const path = join(tempDir(), 'new.db')
  openDb({ path, migrations: [one] }).close()
  expect(look(path)).toEqual([512, []])
})

it.each([
  ['with a migration', [one, two]],
  ['with nothing else to do', [one]],
])('an old one is rewritten after a copy, its rows in their order, once: %s', async (_what, migrations) => {
  const path = older()
  const [, rows] = look(path) as [number, string[]]
  expect(rows).toHaveLength(450)
  const steps = await broughtUp(path, migrations)
  expect(steps.map(({ step }) => step)).toContain('copying')
  expect(progressLine(steps.at(-1)!)).toBe('Bringing old.db up to date: rewriting it in smaller pages')
  expect(look(path)).toEqual([512, rows])
  expect(look(backupPath(path, 10))).toEqual([4_096, rows])
  expect(await broughtUp(path, migrations)).toEqual([])
  const db = openDb({ path, migrations })
  expect(db.read.prepare('PRAGMA integrity_check').pluck().get()).toBe('ok')
  db.close()
})

it('where somebody else has it open it stays as it is, and the next start does it', async () => {
  const path = older()
  const reader = new Database(path, { readonly: true })
  reader.prepare('SELECT count(*) FROM one').get()
  await broughtUp(path, [one])
  expect((look(path) as unknown[])[0]).toBe(4_096)
  reader.close()
  await broughtUp(path, [one])
  expect((look(path) as unknown[])[0]).toBe(512)
  expect(existsSync(backupPath(path, 10))).toBe(true)
})
