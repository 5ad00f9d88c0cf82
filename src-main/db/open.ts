/**
 * Opens one SQLite file with the settings every Stoker database has: WAL, synchronous=FULL, foreign keys, its
 * migrations applied.
 */
import Database, { type Statement } from 'better-sqlite3'

import { fail } from '#contract/errors.ts'

import { migrate, requireCurrent } from './migrate.ts'
import { useSmallPages } from './page-size.ts'
import type { Db, Migration, ReadDb, WriteDb } from './db-types.ts'

/** Another connection's write may take this long before a statement gives up; SQLite waits inside the call. */
export const BUSY_TIMEOUT_MS = 5_000
/**
 * Pages each connection keeps, in KiB. better-sqlite3 is built with 16 MB, which a ledger that grows fills within
 * thousands of jobs; the system has the file in memory anyway.
 */
const CACHE_KIB = 4_000
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
 * Opens (or creates) the database and applies what is pending. Errors: StokerError DB_FROM_FUTURE (written by a newer
 * Stoker), DB_CORRUPT (no SQLite file, or damaged), NOT_FOUND and CONFLICT (read-only: missing, not migrated yet).
 */
export function openDb(options: OpenOptions): Db {
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
    throw asStokerError(error, options.path)
  }
  return handle(sqlite, options)
}

function openFile({ path, readOnly }: OpenOptions): Database.Database {
  try {
    return new Database(path, {
      timeout: BUSY_TIMEOUT_MS,
      readonly: readOnly === true,
      fileMustExist: readOnly === true,
    })
  } catch (error) {
    if (readOnly === true && (error as { code?: string }).code === 'SQLITE_CANTOPEN')
      throw fail('db.missing', { path }, { cause: error })
    throw asStokerError(error, path)
  }
}

/** A damaged file as DB_CORRUPT; any other error as it is. */
export function asStokerError(error: unknown, path: string): unknown {
  const code = (error as { code?: string }).code ?? ''
  if (code !== 'SQLITE_NOTADB' && !code.startsWith('SQLITE_CORRUPT')) return error
  return fail(
    'db.unreadable',
    { path },
    {
      data: { path },
      cause: error,
    },
  )
}

/** Statements by text, in two kinds: plain, and `money` ones that return integers as BigInt. */
function statementCache(sqlite: Database.Database, check: (statement: Statement, sql: string) => void): ReadDb {
  const caches = { plain: new Map<string, Statement>(), money: new Map<string, Statement>() }
  const get = (kind: 'plain' | 'money', sql: string): Statement => {
    const cache = caches[kind]
    let statement = cache.get(sql)
    if (statement === undefined) {
      statement = sqlite.prepare(sql).safeIntegers(kind === 'money')
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

function handle(sqlite: Database.Database, options: OpenOptions): Db {
  /** Effects of the open transaction; null outside one. */
  let effects: (() => void)[] | null = null
  const read = statementCache(sqlite, (statement, sql) => {
    if (!statement.readonly) throw new Error(`a reader cannot write, use tx: ${sql}`)
  })
  const write = statementCache(sqlite, (_statement, sql) => {
    if (effects === null) throw new Error(`a writer is used outside its transaction: ${sql}`)
  }) as WriteDb
  const begin = sqlite.prepare('BEGIN IMMEDIATE')
  const commit = sqlite.prepare('COMMIT')
  const rollback = sqlite.prepare('ROLLBACK')
  const runEffect = (effect: () => void): void => {
    try {
      effect()
    } catch (error) {
      // The commit stands whatever the effect does, so the transaction's caller must not see this error.
      if (options.log !== undefined) options.log.error({ err: error }, 'an effect after a commit failed')
      else
        queueMicrotask(() => {
          throw error
        })
    }
  }
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
    close() {
      if (!sqlite.open) return
      // A reader elsewhere may hold the log back; the next open finishes the checkpoint then.
      if (options.readOnly !== true) sqlite.pragma('wal_checkpoint(TRUNCATE)')
      sqlite.close()
    },
  }
}
