/** Copies a database, then applies what is pending: what the thread of `bringUpToDate` does. */
import { basename } from 'node:path'

import Database from 'better-sqlite3'

import { copyPages } from './copy-pages.ts'
import { applied, pendingOf, unfinishedCopy } from './migrate.ts'
import type { MigrateTask } from './db-task.ts'
import type { Migration, MigrationProgress } from './db-types.ts'
import { BUSY_TIMEOUT_MS } from './open.ts'
import { hasLargePages, rewriteInSmallPages } from './page-size.ts'
import { asStokerError } from './sqlite-failure.ts'

type OnProgress = (progress: MigrationProgress) => void

/** A migration only runs statements, so that they can be written down once. */
export const migrateTask = (path: string, migrations: readonly Migration[]): MigrateTask => ({
  kind: 'migrate',
  path,
  migrations: migrations.map((migration) => {
    const { id, name } = migration
    const sql: string[] = []
    migration.up((statement) => void sql.push(statement))
    return { id, name, sql }
  }),
})

/** Errors: as openDb, with nothing changed and no half copy left. */
export async function migrateNow(task: MigrateTask, onProgress: OnProgress): Promise<void> {
  const { path } = task
  const migrations = task.migrations.map(({ id, name, sql }): Migration => ({
    id,
    name,
    up: (exec) => sql.forEach((statement) => exec(statement)),
  }))
  let sqlite: Database.Database | null = null
  try {
    sqlite = new Database(path, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true })
    const found = pendingOf(sqlite, path, migrations)
    const rewrite = hasLargePages(sqlite)
    if (found.version === 0 || (found.pending.length === 0 && !rewrite)) return
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = FULL')
    await copy(sqlite, path, found.version, onProgress)
    if (found.pending.length > 0) for (const progress of applied(sqlite, path, found)) onProgress(progress)
    if (!rewrite) return
    onProgress({ file: basename(path), step: 'rewriting', done: 0, total: 1, name: null })
    rewriteInSmallPages(sqlite)
  } catch (error) {
    throw asStokerError(error, path)
  } finally {
    sqlite?.close()
  }
}

async function copy(sqlite: Database.Database, path: string, version: number, onProgress: OnProgress): Promise<void> {
  const unfinished = unfinishedCopy(path, version)
  const file = basename(path)
  let lastPercent = -1
  try {
    await copyPages(sqlite, unfinished.path, (done, total) => {
      const percent = total === 0 ? 0 : Math.floor((100 * done) / total)
      if (percent > lastPercent) onProgress({ file, step: 'copying', done, total, name: null })
      lastPercent = Math.max(lastPercent, percent)
    })
  } catch (error) {
    unfinished.remove()
    throw error
  }
  unfinished.finish()
}
