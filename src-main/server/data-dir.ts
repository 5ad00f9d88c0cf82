/**
 * The data folder: where it is, how it is made, and who owns it. Electron's userData is not asked, so both modes name
 * the same folder.
 */
import { join } from 'node:path'

import { fail } from '#contract/errors.ts'
import { acquireLock, isHeld, readOwner as readOwnerFile, type Owner } from '#db/lock.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

export interface DataDirLock {
  /** Writes owner.json, so that the command line finds the running owner. */
  publish(url: string): void
  release(): void
}

/** The same folder as in the desktop app. */
export { dataDirectory as defaultDataDir, ensureDataDirectory as ensureDataDir } from '#lib/data-directory.ts'

/**
 * Takes the folder, or throws DATA_LOCKED naming the owner's pid. The system frees the lock when this process ends,
 * however it ends.
 */
export function lockDataDir(dir: string): DataDirLock {
  const lock = acquireLock(join(dir, 'lock.db'))
  return { publish: (url) => lock.describe({ pid: process.pid, url }), release: () => lock.release() }
}

/**
 * Who holds the folder now; null when nobody does. The lock is asked first: after a kill -9 owner.json stays, and
 * whatever listens at its address by now is a stranger. Takes a free folder for a moment, and writes nothing. Error: what
 * the system says when the lock file cannot be opened.
 */
export const liveOwner = (dir: string): Owner | null => (isHeld(join(dir, 'lock.db')) ? readOwner(dir) : null)

/** What owner.json says, whoever wrote it. Null when absent or unreadable. */
export const readOwner = (dir: string): Owner | null => readOwnerFile(join(dir, 'owner.json'))

/** The API token of a data folder (0600), made on first use by its owner. */
export function apiToken(dir: string, makeSecret?: () => string): string {
  const path = join(dir, 'api-token')
  const stored = readSecretFile(path)?.trim()
  if (stored !== undefined && stored !== '') return stored
  if (makeSecret === undefined) throw fail('console.tokenMissing', { path, dir })
  const token = `stk_${makeSecret()}`
  writeSecretFile(path, `${token}\n`)
  return token
}
