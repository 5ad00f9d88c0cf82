/**
 * One owner per data folder: an open IMMEDIATE transaction on lock.db, which the system releases when the owner dies,
 * however it dies.
 */
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import Database from 'better-sqlite3'

import { fail, type StokerError } from '#contract/errors.ts'
import { readOwnFile } from '#lib/own-file.ts'
import { writeSecretFile } from '#lib/secret-file.ts'

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
  const sqlite = new Database(path, { timeout: 0 })
  try {
    sqlite.exec('BEGIN IMMEDIATE')
  } catch (error) {
    sqlite.close()
    if (!((error as { code?: string }).code ?? '').startsWith('SQLITE_BUSY')) throw error
    throw locked(dirname(path), readOwner(ownerPath), error)
  }
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

function locked(folder: string, owner: Owner | null, cause: unknown): StokerError {
  const who =
    owner === null
      ? 'another Stoker'
      : `another Stoker (process ${owner.pid}${owner.url === undefined ? '' : `, ${owner.url}`})`
  return fail(
    'db.locked',
    { folder, who },
    {
      data: { folder, pid: owner?.pid ?? null, url: owner?.url ?? null },
      cause,
    },
  )
}
