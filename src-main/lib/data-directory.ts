/** The data folder of both modes, named and made outside Electron. */
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

import { fail, StokerError } from '#contract/errors.ts'

import { diskFailure } from './disk-failure.ts'
import { checkOurs } from './own-file.ts'

/**
 * STOKER_DATA when set, else the platform's folder for application data: XDG_DATA_HOME/Stoker, ~/Library/Application
 * Support/Stoker, %APPDATA%\Stoker.
 */
export function dataDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
  home: string = homedir(),
): string {
  const chosen = env['STOKER_DATA']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Stoker')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Stoker')
  const data = env['XDG_DATA_HOME']
  // The XDG base directory specification: a relative path is invalid and to be ignored.
  return join(data !== undefined && data.startsWith('/') ? data : join(home, '.local', 'share'), 'Stoker')
}

/**
 * What a command must be given so that it means this folder: ` --data DIR`, quoted for a shell where that is needed; empty
 * for the folder that commands take by themselves. STOKER_DATA of this process may not be set in another terminal.
 */
export function dataOption(dir: string, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const path = resolve(dir)
  if (path === dataDirectory({ ...env, STOKER_DATA: undefined })) return ''
  const isPlain = /^[\w@%+:,./\\-]+$/.test(path)
  const quoted = process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`
  return ` --data ${isPlain ? path : quoted}`
}

/**
 * SQLite opens no path beyond 512 bytes (MAX_PATHNAME in its os_unix.c); the longest below a data folder is a copy of a
 * venue's database with its journal.
 */
const PATH_BYTES_MAX = 512 - '/venues/12345678901234567890123456789012.db.before-9990.tmp-journal'.length

/**
 * Makes the folder readable by its owner only, and tightens one that is wider. Errors: BAD_REQUEST for a folder
 * of another user and for a path that is too long, DISK_*, UNAVAILABLE when it cannot be done for another reason.
 */
export function ensureDataDirectory(dir: string): string {
  const bytes = Buffer.byteLength(dir)
  if (bytes > PATH_BYTES_MAX) throw fail('file.pathTooLong', { dir, bytes, max: PATH_BYTES_MAX })
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const stats = statSync(dir)
    checkOurs(dir, stats)
    const { mode } = stats
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) chmodSync(dir, 0o700)
    return dir
  } catch (error) {
    if (error instanceof StokerError) throw error
    const known = diskFailure(error, dir)
    if (known !== null && known.code !== 'DISK_READONLY') throw known
    throw fail('file.dataFolder', { dir, error: (error as NodeJS.ErrnoException).code ?? 'unknown' }, { cause: error })
  }
}
