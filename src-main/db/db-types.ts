/** Nominal handles: a reader cannot write, and only a transaction hands out a writer. */
import type { Statement } from 'better-sqlite3'

import type { StokerError } from '#contract/errors.ts'

/**
 * Prepared statements by SQL text (cached). `money` statements return integers as BigInt (safe integers): use them
 * wherever an amount is read.
 */
export interface ReadDb {
  prepare<Row = unknown>(sql: string): Statement<unknown[], Row>
  money<Row = unknown>(sql: string): Statement<unknown[], Row>
}

declare const writeBrand: unique symbol
export interface WriteDb extends ReadDb {
  readonly [writeBrand]: true
}

export interface Db {
  readonly path: string
  readonly read: ReadDb
  /**
   * One BEGIN IMMEDIATE … COMMIT; a throw rolls back. Synchronous by design: nothing can be awaited inside. Nested
   * calls are an error.
   */
  tx<T>(work: (db: WriteDb) => T): T
  /** Runs after the current transaction has committed (or at once outside one): the place for side effects. */
  afterCommit(effect: () => void): void
  /**
   * Why it cannot be written: the last write's DISK_* failure, until one comes through again. A damaged file (DB_CORRUPT,
   * seen by any statement) stays so until it is opened anew. Null when all is well.
   */
  trouble(): StokerError | null
  /**
   * Called after every failure that `trouble` knows, once no transaction is open: whoever listens may write elsewhere.
   * The returned function ends it.
   */
  onTrouble(listener: (trouble: StokerError) => void): () => void
  /** A write that changes nothing, so that whoever waits for a disk knows when it is back. False when it fails. */
  tryWrite(): boolean
  close(): void
}

/** Numbers rise in tens; a released migration is frozen. */
export interface Migration {
  readonly id: number
  readonly name: string
  up(exec: (sql: string) => void): void
}

/** How far a database is on its way to this version; told before each step that takes time. */
export interface MigrationProgress {
  /** The file's name, without its folder. */
  readonly file: string
  /** The copy beside it, the migrations, the check of every reference and the commit, then smaller pages. */
  readonly step: 'copying' | 'migrating' | 'checking' | 'rewriting'
  /** Pages while copying, migrations afterwards. */
  readonly done: number
  readonly total: number
  /** Of the migration that begins now; null in the other steps. */
  readonly name: string | null
  /** Seconds since the work on this file began; where the same step goes on. */
  readonly seconds?: number
}
