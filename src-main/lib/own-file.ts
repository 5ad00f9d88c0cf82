/**
 * Files that decide who we are and whom we believe: read only where they are files of our own, never through a link that
 * somebody else may have put there.
 */
import { closeSync, constants, fchmodSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'

import { fail } from '#contract/errors.ts'

/** Of the user that this process runs as; null on Windows, where files have access lists instead. */
const ourId = (): number | null => process.getuid?.() ?? null

/** Error: BAD_REQUEST for a folder or file of another user, also when we are root. */
export function checkOurs(path: string, { uid }: Pick<Stats, 'uid'>): void {
  const us = ourId()
  if (us !== null && uid !== us) throw fail('file.foreign', { path, owner: uid, us })
}

/**
 * The text of a file of ours of at most `bytesMax` bytes; null when there is none. `tighten`: nobody else may read it
 * from now on. Errors: BAD_REQUEST for another user's, a link, or what is no file; TOO_LARGE.
 */
export function readOwnFile(path: string, bytesMax: number, { tighten = false } = {}): string | null {
  let file: number
  try {
    // O_NONBLOCK: a pipe in its place would be waited for. Windows has neither of them.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    // ELOOP by POSIX, EMLINK on some BSDs.
    if (code === 'ELOOP' || code === 'EMLINK') throw fail('file.link', { path }, { cause: error })
    throw error
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw fail('file.link', { path })
    checkOurs(path, stats)
    if (stats.size > bytesMax) throw fail('file.secretTooLarge', { path })
    if (tighten && process.platform !== 'win32' && (stats.mode & 0o077) !== 0) fchmodSync(file, 0o600)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
