/** Numbered, frozen migrations: `user_version` holds the number of the last one applied. */
import { renameSync, rmSync } from 'node:fs'
import { basename } from 'node:path'

import type Database from 'better-sqlite3'

import { fail } from '#contract/errors.ts'

import type { Migration, MigrationProgress } from './db-types.ts'
import { checkTables } from './known-tables.ts'

/** Where the copy made before a migration from `version` lies. */
export const backupPath = (path: string, version: number): string => `${path}.before-${version}`

export interface PendingMigrations {
  /** The version the file has now; 0 for a new one. */
  readonly version: number
  readonly pending: readonly Migration[]
}

/** What is still to be applied. Errors: DB_FROM_FUTURE, DB_CORRUPT (a version this list never had, or other tables than it gives). */
export function pendingOf(
  sqlite: Database.Database,
  path: string,
  migrations: readonly Migration[],
): PendingMigrations {
  checkNumbers(migrations)
  const version = versionOf(sqlite)
  checkVersion(version, path, migrations)
  checkTables(sqlite, { path, version, migrations })
  return { version, pending: migrations.filter(({ id }) => id > version) }
}

/**
 * Applies the pending migrations in one transaction; a database that already held data is copied beside itself first
 * (VACUUM INTO). Blocks until all is done; `bringUpToDate` does the same and says how far it is. Errors: DB_FROM_FUTURE,
 * DB_CORRUPT; whatever a migration throws, with nothing changed.
 */
export function migrate(sqlite: Database.Database, path: string, migrations: readonly Migration[]): void {
  const found = pendingOf(sqlite, path, migrations)
  if (found.pending.length === 0) return
  if (found.version > 0) {
    const copy = unfinishedCopy(path, found.version)
    try {
      sqlite.prepare('VACUUM INTO ?').run(copy.path)
    } catch (error) {
      copy.remove()
      throw error
    }
    copy.finish()
  }
  for (const _step of applied(sqlite, path, found));
}

/**
 * The copy is whole before it gets its name: a crash in between leaves only the temporary file, which the next start
 * removes.
 */
export function unfinishedCopy(
  path: string,
  version: number,
): { readonly path: string; finish(): void; remove(): void } {
  const target = backupPath(path, version)
  const temporary = `${target}.tmp`
  const remove = (): void => rmSync(temporary, { force: true })
  remove()
  return { path: temporary, remove, finish: () => renameSync(temporary, target) }
}

/**
 * The steps of one transaction, each named before it is done; whoever stops in between leaves nothing changed. Foreign
 * keys are off meanwhile, as SQLite asks for where a table is rebuilt (lang_altertable.html, section 7), and all of them
 * are checked before the commit.
 */
export function* applied(
  sqlite: Database.Database,
  path: string,
  { version, pending }: PendingMigrations,
): Generator<MigrationProgress> {
  const file = basename(path)
  sqlite.pragma('foreign_keys = OFF')
  sqlite.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have migrated between the look before and this lock.
    if (versionOf(sqlite) !== version) throw fail('db.migrating', { path })
    for (const [index, migration] of pending.entries()) {
      yield { file, step: 'migrating', done: index, total: pending.length, name: migration.name }
      apply(sqlite, path, migration)
      sqlite.pragma(`user_version = ${migration.id}`)
    }
    yield { file, step: 'checking', done: pending.length, total: pending.length, name: null }
    const broken = sqlite.pragma('foreign_key_check') as unknown[]
    if (broken.length > 0) throw new Error(`the migrations of ${path} leave ${broken.length} broken references`)
    sqlite.exec('COMMIT')
  } finally {
    if (sqlite.inTransaction) sqlite.exec('ROLLBACK')
    sqlite.pragma('foreign_keys = ON')
  }
}

const CHECK_FAILED = 'CHECK constraint failed: '

/** A migration that must not go on lets a CHECK fail whose name says why, in words. */
function apply(sqlite: Database.Database, path: string, migration: Migration): void {
  try {
    migration.up((sql) => sqlite.exec(sql))
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    if (!message.startsWith(CHECK_FAILED)) throw error
    throw fail(
      'db.notMigrated',
      { path, problem: message.slice(CHECK_FAILED.length) },
      { data: { path, migration: migration.id }, cause: error },
    )
  }
}

/** For read-only openings: errors DB_FROM_FUTURE, DB_CORRUPT, and CONFLICT when a migration is pending. */
export function requireCurrent(sqlite: Database.Database, path: string, migrations: readonly Migration[]): void {
  checkNumbers(migrations)
  const version = versionOf(sqlite)
  checkVersion(version, path, migrations)
  checkTables(sqlite, { path, version, migrations })
  if (version < (migrations.at(-1)?.id ?? 0)) throw fail('db.older', { path }, { data: { path, version } })
}

function checkNumbers(migrations: readonly Migration[]): void {
  let last = 0
  for (const { id, name } of migrations) {
    if (id % 10 !== 0 || id <= last)
      throw new Error(`migration ${id} (${name}) must be a multiple of ten above ${last}`)
    last = id
  }
}

function checkVersion(version: number, path: string, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.id ?? 0
  if (version > newest) {
    throw fail('db.newer', { path, version, newest }, { data: { path, version, newest } })
  }
  if (version !== 0 && !migrations.some(({ id }) => id === version))
    throw fail('db.formatUnknown', { path, version }, { data: { path, version } })
}

const versionOf = (sqlite: Database.Database): number => sqlite.pragma('user_version', { simple: true }) as number
