/**
 * Migrates a database before it is opened and says how far it is: on a thread of its own, so that whoever waits for this
 * process hears of it at least every two seconds, however long one statement of a migration takes.
 */
import { existsSync, statSync } from 'node:fs'

import Database from 'better-sqlite3'

import { emptyFile, removeUnfinished } from './copies.ts'
import { pendingOf } from './migrate.ts'
import { migrateTask } from './migrate-file.ts'
import { offThread } from './off-thread.ts'
import { BUSY_TIMEOUT_MS } from './open.ts'
import { hasLargePages } from './page-size.ts'
import { asStokerError } from './sqlite-failure.ts'
import type { Migration, MigrationProgress } from './db-types.ts'

export interface BringUpToDateOptions {
  path: string
  migrations: readonly Migration[]
  /** Called before each step, at most a hundred times during the copy, and every two seconds in between. */
  onProgress: (progress: MigrationProgress) => void
  /** Of the last; less in tests. */
  tickMs?: number
}

/**
 * Applies what is pending, and rewrites a file of large pages (page-size.ts), after a copy where the database held data; a file that does not exist is left to `openDb`. Copies that a killed start left half made are removed. Only the owner of the folder may call it. Errors:
 * as openDb, with nothing changed.
 */
export async function bringUpToDate({ path, migrations, onProgress, tickMs }: BringUpToDateOptions): Promise<void> {
  removeUnfinished(path)
  if (!existsSync(path)) return
  if (statSync(path).size === 0) throw emptyFile(path)
  if (!isBehind(path, migrations)) return
  let last: MigrationProgress | null = null
  await offThread(migrateTask(path, migrations), {
    ...(tickMs === undefined ? {} : { tickMs }),
    onProgress(progress) {
      last = progress
      onProgress(progress)
    },
    onTick(seconds) {
      if (last !== null) onProgress({ ...last, seconds })
    },
  })
}

function isBehind(path: string, migrations: readonly Migration[]): boolean {
  let sqlite: Database.Database | null = null
  try {
    sqlite = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    const { version, pending } = pendingOf(sqlite, path, migrations)
    return version > 0 && (pending.length > 0 || hasLargePages(sqlite))
  } catch (error) {
    throw asStokerError(error, path)
  } finally {
    sqlite?.close()
  }
}

/** One line for the owner. */
export function progressLine({ file, step, done, total, name, seconds }: MigrationProgress): string {
  const since = seconds === undefined ? '' : `, ${seconds} s`
  if (step === 'copying') {
    const percent = total === 0 ? 0 : Math.floor((100 * done) / total)
    return `Bringing ${file} up to date: copying it first, ${percent} %${since}`
  }
  if (step === 'rewriting') return `Bringing ${file} up to date: rewriting it in smaller pages${since}`
  if (step === 'checking') return `Bringing ${file} up to date: checking it${since}`
  return `Bringing ${file} up to date: step ${done + 1} of ${total} (${name})${since}`
}
