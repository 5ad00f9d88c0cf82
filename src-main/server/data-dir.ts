/** The data folder: where it is, how it is made, and who owns it. Electron's userData is not asked, so both modes name the same folder. */
import { join } from 'node:path'

import { StokerError } from '#contract/errors.ts'
import { acquireLock, readOwner as readOwnerFile, type Owner } from '#db/lock.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

export interface DataDirLock {
  /** Writes owner.json, so that the command line finds the running owner. */
  publish(url: string): void
  release(): void
}

/** The same folder as in the desktop app. */
export { dataDirectory as defaultDataDir, ensureDataDirectory as ensureDataDir } from '#lib/data-directory.ts'

/** Takes the folder, or throws DATA_LOCKED naming the owner's pid. The system frees the lock when this process ends, however it ends. */
export function lockDataDir(dir: string): DataDirLock {
  const lock = acquireLock(join(dir, 'lock.db'))
  return { publish: (url) => lock.describe({ pid: process.pid, url }), release: () => lock.release() }
}

/** What owner.json says; it may be stale, so a caller asks the url before it believes it. Null when absent or unreadable. */
export const readOwner = (dir: string): Owner | null => readOwnerFile(join(dir, 'owner.json'))

/** The API token of a data folder (0600), made on first use by its owner. */
export function apiToken(dir: string, makeSecret?: () => string): string {
  const path = join(dir, 'api-token')
  const stored = readSecretFile(path)?.trim()
  if (stored !== undefined && stored !== '') return stored
  if (makeSecret === undefined) throw new StokerError('NOT_FOUND', `${path} does not exist; start this data folder once with: stoker serve --data ${dir}`)
  const token = `stk_${makeSecret()}`
  writeSecretFile(path, `${token}\n`)
  return token
}
