/** What the system says of a file or its disk, as a failure that names the path. */
import { fail, StokerError } from '#contract/errors.ts'

const FULL = ['ENOSPC', 'EDQUOT']
const READ_ONLY = ['EROFS', 'EACCES', 'EPERM']
/** A file where a folder should be, a loop of links, a name beyond the system's bound: the path is wrong, not the disk. */
const NO_PATH = ['ENOTDIR', 'ELOOP', 'ENAMETOOLONG']
const FAILED = ['EIO', 'ENXIO', 'ENODEV', 'ESTALE', 'ENOTCONN', 'EUCLEAN']

/** Null for an error that says nothing of a disk: a missing file, or none of the system's. */
export function diskFailure(error: unknown, path?: string): StokerError | null {
  const { code, path: named } = (error ?? {}) as NodeJS.ErrnoException
  const where = path ?? named
  if (typeof code !== 'string' || where === undefined) return null
  const options = { data: { path: where, system: code }, cause: error }
  if (FULL.includes(code)) return fail('disk.full', { path: where }, options)
  if (READ_ONLY.includes(code)) return fail('disk.readOnly', { path: where, error: code }, options)
  if (NO_PATH.includes(code)) return fail('disk.cannotOpen', { path: where, error: code }, options)
  return FAILED.includes(code) ? fail('disk.failed', { path: where, error: code }, options) : null
}

/** The error in the words of `diskFailure` where it has some, else as it is. */
export const inDiskWords = (error: unknown, path?: string): unknown =>
  error instanceof StokerError ? error : (diskFailure(error, path) ?? error)

/** Runs what touches the file at `path`. Errors: DISK_FULL, DISK_READONLY, DISK_FAILED; others as they are. */
export function onDisk<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw inDiskWords(error, path)
  }
}
