/**
 * Opens one SQLite file with the settings every Stoker database has: WAL, synchronous=FULL, foreign keys, its
 * migrations applied.
 */
import { renameSync, rmSync, statSync } from 'node:fs'

import Database, { type Statement } from 'better-sqlite3'

import { fail } from '#contract/errors.ts'
import { onDisk } from '#lib/disk-failure.ts'

import { emptyFile, removeUnfinished } from './copies.ts'
import { migrate, requireCurrent } from './migrate.ts'
import { failuresOf, type FileFailures } from './file-failures.ts'
import { useSmallPages } from './page-size.ts'
import { asStokerError } from './sqlite-failure.ts'
import type { Db, Migration, ReadDb, WriteDb } from './db-types.ts'

/** Another connection's write may take this long before a statement gives up; SQLite waits inside the call. */
export const BUSY_TIMEOUT_MS = 5_000
/**
 * Pages each connection keeps, in KiB. better-sqlite3 is built with 16 MB, which a ledger that grows fills within
 * thousands of jobs; the system has the file in memory anyway.
 */
const CACHE_KIB = 4_000
/** How long a close waits for readers elsewhere before it leaves the log to the next open. */
const CLOSE_TIMEOUT_MS = 100
/** Statement texts are constants, so this is only reached by a mistake; the oldest one is then prepared again. */
const STATEMENTS_MAX = 512

export interface OpenOptions {
  path: string
  migrations: readonly Migration[]
  /** Gets the errors of effects that ran after a commit; without it such an error becomes an uncaught exception. */
  log?: { error(details: object, message: string): void }
  /** For checks beside a running owner: nothing is created, migrated or written. */
  readOnly?: boolean
}

/**
 * Opens (or creates) the database and applies what is pending. A new one gets its name when it is whole. Errors:
 * StokerError DB_FROM_FUTURE (written by a newer Stoker), DB_CORRUPT (no SQLite file, empty, or damaged), DISK_*,
 * NOT_FOUND and CONFLICT (read-only: missing, not migrated yet).
 */
export function openDb(options: OpenOptions): Db {
  if (options.readOnly !== true && options.path !== ':memory:') createWhole(options)
  const sqlite = openFile(options)
  try {
    sqlite.pragma(`cache_size = -${CACHE_KIB}`)
    if (options.readOnly === true) requireCurrent(sqlite, options.path, options.migrations)
    else {
      useSmallPages(sqlite)
      sqlite.pragma('journal_mode = WAL')
      sqlite.pragma('synchronous = FULL')
      sqlite.pragma('foreign_keys = ON')
      migrate(sqlite, options.path, options.migrations)
    }
  } catch (error) {
    sqlite.close()
    throw openingFailure(error, options)
  }
  return handle(sqlite, options)
}

function openFile(options: OpenOptions): Database.Database {
  const { path, readOnly } = options
  try {
    return new Database(path, {
      timeout: BUSY_TIMEOUT_MS,
      readonly: readOnly === true,
      fileMustExist: readOnly === true,
    })
  } catch (error) {
    throw openingFailure(error, options)
  }
}

const sizeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.size ?? null

/** A reader that cannot make the log's index beside the file has not found it damaged. */
function openingFailure(error: unknown, { path, readOnly }: OpenOptions): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (readOnly === true && typeof code === 'string' && /^SQLITE_(CANTOPEN|READONLY)/.test(code)) {
    if (sizeOf(path) === null) return fail('db.missing', { path }, { cause: error })
    if ((sizeOf(`${path}-wal`) ?? 0) > 0) return fail('db.readNeedsWrite', { path }, { cause: error })
  }
  return asStokerError(error, path)
}

/**
 * A file that is not there is made beside its place and renamed, so that one of no bytes is never ours: its records must
 * not silently begin anew.
 */
function createWhole({ path, migrations }: OpenOptions): void {
  const size = onDisk(path, () => sizeOf(path))
  if (size === 0) throw emptyFile(path)
  if (size !== null) return
  const unfinished = `${path}.new`
  try {
    removeUnfinished(path)
    const sqlite = new Database(unfinished)
    try {
      useSmallPages(sqlite)
      sqlite.pragma('synchronous = FULL')
      migrate(sqlite, path, migrations)
      // Without migrations nothing was written yet.
      sqlite.pragma('user_version = ' + String(sqlite.pragma('user_version', { simple: true })))
    } finally {
      sqlite.close()
    }
    // SQLite itself drops the log of a file that is gone.
    for (const beside of ['-wal', '-shm', '-journal']) rmSync(`${path}${beside}`, { force: true })
    renameSync(unfinished, path)
  } catch (error) {
    removeUnfinished(path)
    throw asStokerError(error, path)
  }
}

/** Statements by text, in two kinds: plain, and `money` ones that return integers as BigInt. */
function statementCache(
  sqlite: Database.Database,
  failures: FileFailures,
  check: (statement: Statement, sql: string) => void,
): ReadDb {
  const caches = { plain: new Map<string, Statement>(), money: new Map<string, Statement>() }
  const get = (kind: 'plain' | 'money', sql: string): Statement => {
    const cache = caches[kind]
    let statement = cache.get(sql)
    if (statement === undefined) {
      statement = failures.watch(sqlite.prepare(sql).safeIntegers(kind === 'money'))
      const oldest = cache.size >= STATEMENTS_MAX ? cache.keys().next().value : undefined
      if (oldest !== undefined) cache.delete(oldest)
      cache.set(sql, statement)
    }
    check(statement, sql)
    return statement
  }
  return {
    prepare: <Row>(sql: string) => get('plain', sql) as unknown as Statement<unknown[], Row>,
    money: <Row>(sql: string) => get('money', sql) as unknown as Statement<unknown[], Row>,
  }
}

/** The commit stands whatever an effect does, so the transaction's caller must not see its error. */
const effectRunner =
  ({ log }: OpenOptions) =>
  (effect: () => void): void => {
    try {
      effect()
    } catch (error) {
      if (log !== undefined) log.error({ err: error }, 'an effect after a commit failed')
      else
        queueMicrotask(() => {
          throw error
        })
    }
  }

function handle(sqlite: Database.Database, options: OpenOptions): Db {
  /** Effects of the open transaction; null outside one. */
  let effects: (() => void)[] | null = null
  const failures = failuresOf(options.path)
  const read = statementCache(sqlite, failures, (statement, sql) => {
    if (!statement.readonly) throw new Error(`a reader cannot write, use tx: ${sql}`)
  })
  const write = statementCache(sqlite, failures, (_statement, sql) => {
    if (effects === null) throw new Error(`a writer is used outside its transaction: ${sql}`)
  }) as WriteDb
  const begin = failures.watch(sqlite.prepare('BEGIN IMMEDIATE'))
  const commit = failures.watch(sqlite.prepare('COMMIT'))
  const rollback = sqlite.prepare('ROLLBACK')
  const runEffect = effectRunner(options)
  return {
    path: options.path,
    read,
    tx<T>(work: (db: WriteDb) => T): T {
      if (effects !== null) throw new Error('a transaction is open already; transactions do not nest')
      begin.run()
      const mine: (() => void)[] = []
      effects = mine
      let result: T
      try {
        result = work(write)
        if (result instanceof Promise)
          throw new Error('a transaction must not return a promise: nothing can be awaited inside')
        commit.run()
        failures.wrote()
      } catch (error) {
        if (sqlite.inTransaction) rollback.run()
        throw error
      } finally {
        effects = null
      }
      mine.forEach(runEffect)
      return result
    },
    afterCommit(effect) {
      if (effects === null) runEffect(effect)
      else effects.push(effect)
    },
    trouble: () => failures.trouble(),
    onTrouble: (listener) => failures.onTrouble(listener),
    tryWrite() {
      if (effects !== null) return true
      try {
        begin.run()
        // Writes its page although nothing changes.
        sqlite.pragma(`user_version = ${sqlite.pragma('user_version', { simple: true }) as number}`)
        commit.run()
        failures.wrote()
        return true
      } catch {
        if (sqlite.inTransaction) rollback.run()
        return false
      }
    },
    close() {
      if (!sqlite.open) return
      if (options.readOnly !== true) leaveLog(sqlite)
      sqlite.close()
    },
  }
}

/**
 * Without its log a file is read by whoever cannot write beside it. A reader elsewhere, or a disk without room, may hold
 * the log back; the next open finishes it then.
 */
function leaveLog(sqlite: Database.Database): void {
  try {
    sqlite.pragma(`busy_timeout = ${CLOSE_TIMEOUT_MS}`)
    sqlite.pragma('wal_checkpoint(TRUNCATE)')
    sqlite.pragma('journal_mode = DELETE')
  } catch {
    // Nothing is lost: the log stays beside the file.
  }
}
