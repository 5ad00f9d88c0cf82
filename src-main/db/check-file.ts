/**
 * SQLite's own check of a file's pages (https://sqlite.org/pragma.html#pragma_integrity_check). `quick` looks at the
 * structure and at each row's types; `full` also holds every index against its table.
 */
import { isUtf8 } from 'node:buffer'
import { existsSync, statSync } from 'node:fs'

import Database from 'better-sqlite3'

import { fail } from '#contract/errors.ts'

import type { CheckDepth, CheckTask } from './db-task.ts'
import { BUSY_TIMEOUT_MS } from './open.ts'
import { offThread } from './off-thread.ts'
import { asStokerError } from './sqlite-failure.ts'

/** Of a file that is damaged all over, so many say enough. */
const PROBLEMS_MAX = 20
const LINE_MAX = 200
/** KiB of pages: the check walks the file once, and looks up rows by their indices where it is full. */
const CACHE_KIB = 16_000

/** Blocks until it is done: seconds for each gigabyte, minutes where it is `full`. Lines, none when all is well. */
export function checkNow({ path, depth }: CheckTask): string[] {
  if (!existsSync(path)) throw fail('db.missing', { path })
  let sqlite: Database.Database | null = null
  try {
    sqlite = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
    sqlite.pragma(`cache_size = -${CACHE_KIB}`)
    const rows = sqlite
      .prepare(`PRAGMA ${depth === 'quick' ? 'quick_check' : 'integrity_check'}(${PROBLEMS_MAX})`)
      .pluck()
      .all() as string[]
    const found = rows.flatMap((row) => (row === 'ok' ? [] : row.split('\n')))
    const texts = depth === 'full' && found.length < PROBLEMS_MAX ? damagedTexts(sqlite) : []
    return [...found, ...texts].slice(0, PROBLEMS_MAX).map((line) => line.slice(0, LINE_MAX))
  } catch (error) {
    const code = (error as { code?: unknown }).code
    // Too damaged to be walked at all is the answer, not a failure of the check.
    if (code === 'SQLITE_NOTADB' || (typeof code === 'string' && code.startsWith('SQLITE_CORRUPT')))
      return [(error as Error).message]
    throw asStokerError(error, path)
  } finally {
    sqlite?.close()
  }
}

/**
 * Texts that are no UTF-8, which Stoker never writes: SQLite takes any bytes for a text, so that it does not see what
 * was written over one.
 */
function damagedTexts(sqlite: Database.Database): string[] {
  const tables = sqlite
    .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'")
    .pluck()
    .all() as string[]
  return tables.flatMap((table) => {
    const columns = sqlite
      .prepare("SELECT name FROM pragma_table_xinfo(?) WHERE upper(type) = 'TEXT' AND hidden IN (0, 3)")
      .pluck()
      .all(table) as string[]
    if (columns.length === 0) return []
    const texts = columns.map((column) => `coalesce("${column}", '')`).join(' || ')
    let damaged = 0
    for (const bytes of sqlite.prepare(`SELECT CAST(${texts} AS BLOB) FROM "${table}"`).pluck().iterate())
      if (!isUtf8(bytes as Buffer)) damaged += 1
    return damaged === 0 ? [] : [`${damaged} rows of ${table} hold texts that are damaged`]
  })
}

export interface CheckFileOptions {
  /** Every two seconds, with the seconds so far. */
  onTick?: (seconds: number) => void
  signal?: AbortSignal
  /** Files up to so many bytes, with their log, are checked at once. */
  atOnceBytes?: number
}

/** Some milliseconds of reading: less than a thread takes to start. */
const AT_ONCE_BYTES = 2 << 20
/**
 * Up to so many bytes a quick check is a full one: that takes about twice as long, half a second for these, and sees keys
 * on an index's inner pages that read otherwise than their rows.
 */
const FULL_BYTES = 32 << 20

const bytesOf = (path: string): number =>
  [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)

/** The same, on a thread of its own where the file is large. Ends early with the signal, whose reason is thrown. */
export async function checkFile(
  path: string,
  depth: CheckDepth,
  { atOnceBytes = AT_ONCE_BYTES, ...options }: CheckFileOptions = {},
): Promise<string[]> {
  options.signal?.throwIfAborted()
  const bytes = bytesOf(path)
  const task: CheckTask = { kind: 'check', path, depth: bytes <= FULL_BYTES ? 'full' : depth }
  return bytes <= atOnceBytes ? checkNow(task) : offThread(task, options)
}
