/** A data folder with books on both sides, written by the tools and brought up to date: small, and all of it real. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'

import { prepareDatabases } from '#core/core.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { bringUpToDate } from '#db/bring-up-to-date.ts'
import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { systemClock } from '#lib/system-clock.ts'

import { writeEarlierFolder } from '../../../tools/earlier-folder.ts'

export const JOBS = 300

/** As `stoker` of this version leaves it when it stops. */
export async function writeFolder(dir: string, jobs = JOBS): Promise<void> {
  writeEarlierFolder(dir, jobs)
  openDb({ path: join(dir, 'rig.db'), migrations: rigMigrations }).close()
  await prepareDatabases(dir, () => undefined)
  await bringUpToDate({
    path: join(dir, 'exchange', 'exchange.db'),
    migrations: exchangeMigrations,
    onProgress: () => undefined,
  })
  mkdirSync(join(dir, 'models'), { recursive: true })
  writeFileSync(join(dir, 'models', 'own.gguf'), 'model')
  writeFileSync(join(dir, 'remote-keys.json'), '{"v":1,"keys":{}}', { mode: 0o600 })
}

/** What `makeBackup` wants beside the folders. */
export const plain = { automatic: false, app: '0.0.0', clock: systemClock, onProgress: (): void => undefined }

/** Writes garbage over the first page of a table: no check overlooks that. */
export function damage(path: string, table: string): void {
  const raw = new Database(path)
  raw.pragma('journal_mode = DELETE')
  const page = raw.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number
  const bytes = raw.pragma('page_size', { simple: true }) as number
  raw.close()
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, bytes * (page - 1))
  closeSync(file)
}
