/**
 * Migrates a database before it is opened and says how far it is: the copy goes in slices with turns of the event loop
 * between them, so that whoever waits for this process hears of it. One migration is one call of SQLite and blocks; it
 * is named before it begins.
 */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import Database from 'better-sqlite3'

import { applied, pendingOf, unfinishedCopy } from './migrate.ts'
import { hasLargePages, rewriteInSmallPages } from './page-size.ts'
import { asStokerError, BUSY_TIMEOUT_MS } from './open.ts'
import type { Migration, MigrationProgress } from './db-types.ts'

/** Pages of one slice of the copy: 8 MB where a page has 4 KiB. */
const SLICE_PAGES = 2_000

export interface BringUpToDateOptions {
  path: string
  migrations: readonly Migration[]
  /** Called before each step, and at most a hundred times during the copy. */
  onProgress: (progress: MigrationProgress) => void
}

/**
 * Applies what is pending, and rewrites a file of large pages (page-size.ts), after a copy where the database held data;
 * a file that does not exist is left to `openDb`.
 * Only the owner of the folder may call it. Errors: as openDb, with nothing changed.
 */
export async function bringUpToDate({ path, migrations, onProgress }: BringUpToDateOptions): Promise<void> {
  if (!existsSync(path)) return
  let sqlite: Database.Database | null = null
  try {
    sqlite = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    const found = pendingOf(sqlite, path, migrations)
    const rewrite = hasLargePages(sqlite)
    if (found.version === 0 || (found.pending.length === 0 && !rewrite)) return
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = FULL')
    await copy(sqlite, path, found.version, onProgress)
    if (found.pending.length > 0)
      for (const progress of applied(sqlite, path, found)) {
        onProgress(progress)
        // What was told leaves this process before the next call blocks it.
        await turn()
      }
    if (!rewrite) return
    onProgress({ file: basename(path), step: 'rewriting', done: 0, total: 1, name: null })
    await turn()
    rewriteInSmallPages(sqlite)
  } catch (error) {
    throw asStokerError(error, path)
  } finally {
    sqlite?.close()
  }
}

async function copy(
  sqlite: Database.Database,
  path: string,
  version: number,
  onProgress: (progress: MigrationProgress) => void,
): Promise<void> {
  const unfinished = unfinishedCopy(path, version)
  const file = basename(path)
  let lastPercent = -1
  await sqlite.backup(unfinished.path, {
    progress({ totalPages, remainingPages }) {
      const done = totalPages - remainingPages
      const percent = totalPages === 0 ? 0 : Math.floor((100 * done) / totalPages)
      if (percent > lastPercent) onProgress({ file, step: 'copying', done, total: totalPages, name: null })
      lastPercent = Math.max(lastPercent, percent)
      return SLICE_PAGES
    },
  })
  leaveWal(unfinished.path)
  unfinished.finish()
}

/** The copy of a file in WAL mode says that it is one; a file alone is read by whoever cannot write beside it. */
function leaveWal(path: string): void {
  const sqlite = new Database(path)
  try {
    sqlite.pragma('journal_mode = DELETE')
  } finally {
    sqlite.close()
  }
}

/** One line for the owner. */
export function progressLine({ file, step, done, total, name }: MigrationProgress): string {
  if (step === 'copying') {
    const percent = total === 0 ? 0 : Math.floor((100 * done) / total)
    return `Bringing ${file} up to date: copying it first, ${percent} %`
  }
  if (step === 'rewriting') return `Bringing ${file} up to date: rewriting it in smaller pages`
  if (step === 'checking') return `Bringing ${file} up to date: checking it`
  return `Bringing ${file} up to date: step ${done + 1} of ${total} (${name})`
}
