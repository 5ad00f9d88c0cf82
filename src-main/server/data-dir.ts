/** The data folder: where it is, how it is made, and who owns it. Electron's userData is not asked, so both modes name the same folder. */
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

import { StokerError } from '#contract/errors.ts'
import { acquireLock, readOwner as readOwnerFile, type Owner } from '#db/lock.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

export interface DataDirLock {
  /** Writes owner.json, so that the command line finds the running owner. */
  publish(url: string): void
  release(): void
}

/** STOKER_DATA, else the platform's folder for application data: XDG_DATA_HOME/Stoker, ~/Library/Application Support/Stoker, %APPDATA%\Stoker. */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform, home: string = homedir()): string {
  const chosen = env['STOKER_DATA']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Stoker')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Stoker')
  const data = env['XDG_DATA_HOME']
  // The XDG base directory specification: a relative path is invalid and to be ignored.
  return join(data !== undefined && data.startsWith('/') ? data : join(home, '.local', 'share'), 'Stoker')
}

/** Makes the folder readable by its owner only, and tightens one that is wider. Throws UNAVAILABLE when that cannot be done. */
export function ensureDataDir(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const { mode } = statSync(dir)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) chmodSync(dir, 0o700)
    return dir
  } catch (error) {
    throw new StokerError('UNAVAILABLE', `cannot use ${dir} as the data folder (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); choose another with --data`, { cause: error })
  }
}

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
