/**
 * One owner per data folder: an open IMMEDIATE transaction on lock.db, which the system releases when the owner dies,
 * however it dies.
 */
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import Database from 'better-sqlite3'

import { fail, StokerError } from '#contract/errors.ts'
import { readOwnFile } from '#lib/own-file.ts'
import { writeSecretFile } from '#lib/secret-file.ts'

import { asStokerError } from './sqlite-failure.ts'

/** Who holds the folder; `url` is where its console answers, once it does. */
export interface Owner {
  pid: number
  url?: string
}
export interface Lock {
  /** Writes owner.json anew, for instance with the url once the owner listens. */
  describe(owner: Owner): void
  /** Removes owner.json and frees the lock; more than once does nothing. */
  release(): void
}

const OWNER_BYTES_MAX = 4_096
/** A garbage-collected connection would drop its lock, so held ones are kept here. */
const held = new Set<Database.Database>()

/**
 * Takes the lock file at `path` and writes owner.json beside it. Never waits.
 * Error: StokerError DATA_LOCKED, with the owner's pid (and url) in message and data where owner.json can be read.
 * Nothing else in the owner's process may open the lock file: closing any handle to it would drop the system's lock.
 */
export function acquireLock(path: string, owner: Owner = { pid: process.pid }): Lock {
  const ownerPath = join(dirname(path), 'owner.json')
  const sqlite = openLock(path)
  if (sqlite === null) throw locked(dirname(path), readOwner(ownerPath))
  held.add(sqlite)
  const describe = (next: Owner): void => writeSecretFile(ownerPath, `${JSON.stringify(next)}\n`)
  try {
    describe(owner)
  } catch (error) {
    held.delete(sqlite)
    sqlite.close()
    throw error
  }
  return {
    describe,
    release() {
      if (!held.delete(sqlite)) return
      rmSync(ownerPath, { force: true })
      sqlite.close()
    },
  }
}

/** The lock file in our hands; null when somebody else's. Errors: DB_CORRUPT for a file that is no lock, DISK_*. */
function openLock(path: string): Database.Database | null {
  let sqlite: Database.Database | null = null
  try {
    sqlite = new Database(path, { timeout: 0 })
    sqlite.exec('BEGIN IMMEDIATE')
    return sqlite
  } catch (error) {
    sqlite?.close()
    const code = (error as { code?: string }).code ?? ''
    if (code.startsWith('SQLITE_BUSY')) return null
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT'))
      throw fail('lock.damaged', { path }, { data: { path }, cause: error })
    throw asStokerError(error, path)
  }
}

/**
 * Whether somebody holds the lock file at `path`, found out without a write: a folder that cannot be written has no
 * owner, and a file that is no lock holds nobody.
 */
export function isHeld(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const sqlite = openLock(path)
    sqlite?.close()
    return sqlite === null
  } catch (error) {
    if (error instanceof StokerError && error.code.startsWith('DISK_')) return false
    throw error
  }
}

/**
 * The owner named in a folder's owner.json; null when missing or unreadable. A killed owner leaves its file behind:
 * only the lock says whether it lives.
 */
export function readOwner(ownerPath: string): Owner | null {
  try {
    const text = readOwnFile(ownerPath, OWNER_BYTES_MAX)
    if (text === null) return null
    const value = JSON.parse(text) as { pid?: unknown; url?: unknown } | null
    if (typeof value?.pid !== 'number' || !Number.isInteger(value.pid)) return null
    return { pid: value.pid, ...(typeof value.url === 'string' ? { url: value.url } : {}) }
  } catch {
    return null
  }
}

function locked(folder: string, owner: Owner | null): StokerError {
  const who =
    owner === null
      ? 'another Stoker'
      : `another Stoker (process ${owner.pid}${owner.url === undefined ? '' : `, ${owner.url}`})`
  return fail(
    'db.locked',
    { folder, who },
    {
      data: { folder, pid: owner?.pid ?? null, url: owner?.url ?? null },
    },
  )
}
