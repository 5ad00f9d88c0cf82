/** What SQLite says of a file, as a failure that names the path. Codes: https://sqlite.org/rescode.html */
import { existsSync } from 'node:fs'

import { fail, StokerError } from '#contract/errors.ts'
import { inDiskWords } from '#lib/disk-failure.ts'

import { copyAdvice } from './copies.ts'

/** The system's words are in the message; SQLite's code is what can be looked up. */
export function asStokerError(error: unknown, path: string): unknown {
  if (error instanceof StokerError) return error
  const code = (error as { code?: unknown } | null)?.code
  // What better-sqlite3 says before it asks SQLite.
  if (error instanceof TypeError && error.message.includes('directory does not exist'))
    return fail('disk.cannotOpen', { path, error: 'ENOENT' }, { data: { path }, cause: error })
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return inDiskWords(error, path)
  const options = { data: { path, sqlite: code }, cause: error }
  const begins = (...codes: string[]): boolean => codes.some((one) => code === one || code.startsWith(`${one}_`))
  if (begins('SQLITE_NOTADB', 'SQLITE_CORRUPT'))
    return fail('db.unreadable', { path, advice: copyAdvice(path) }, options)
  if (begins('SQLITE_FULL')) return fail('disk.full', { path }, options)
  // A log that cannot grow in memory is a disk without room as well.
  if (code === 'SQLITE_IOERR_SHMSIZE') return fail('disk.full', { path }, options)
  if (begins('SQLITE_READONLY')) {
    // Moved or removed under an open connection.
    if (code === 'SQLITE_READONLY_DBMOVED' || !existsSync(path)) return fail('disk.gone', { path }, options)
    return fail('disk.readOnly', { path, error: code }, options)
  }
  if (begins('SQLITE_IOERR'))
    return existsSync(path) ? fail('disk.failed', { path, error: code }, options) : fail('disk.gone', { path }, options)
  if (begins('SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_AUTH'))
    return fail('disk.cannotOpen', { path, error: code }, options)
  return error
}
