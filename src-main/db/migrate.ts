/** Numbered, frozen migrations: `user_version` holds the number of the last one applied. */
import { renameSync, rmSync } from 'node:fs'

import type Database from 'better-sqlite3'

import { fail } from '#contract/errors.ts'

import type { Migration } from './db-types.ts'

/** Where the copy made before a migration from `version` lies. */
export const backupPath = (path: string, version: number): string => `${path}.before-${version}`

/**
 * Applies the pending migrations in one transaction; a database that already held data is copied beside itself first
 * (VACUUM INTO). Errors: DB_FROM_FUTURE, DB_CORRUPT (a version this list never had, or a migration that found what it must
 * not change); whatever else a migration throws. Nothing is changed then.
 */
export function migrate(sqlite: Database.Database, path: string, migrations: readonly Migration[]): void {
  checkNumbers(migrations)
  const version = versionOf(sqlite)
  checkVersion(version, path, migrations)
  const pending = migrations.filter(({ id }) => id > version)
  if (pending.length === 0) return
  if (version > 0) backUp(sqlite, backupPath(path, version))
  sqlite
    .transaction(() => {
      // Another process may have migrated between the look above and this lock.
      if (versionOf(sqlite) !== version) throw fail('db.migrating', { path })
      for (const migration of pending) {
        apply(sqlite, path, migration)
        sqlite.pragma(`user_version = ${migration.id}`)
      }
      const broken = sqlite.pragma('foreign_key_check') as unknown[]
      if (broken.length > 0) throw new Error(`the migrations of ${path} leave ${broken.length} broken references`)
    })
    .immediate()
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

function backUp(sqlite: Database.Database, target: string): void {
  const temporary = `${target}.tmp`
  rmSync(temporary, { force: true })
  // The copy is whole before it gets its name: a crash in between leaves only the temporary file.
  sqlite.prepare('VACUUM INTO ?').run(temporary)
  renameSync(temporary, target)
}
