/** What disks say: room, places, names that must outlive a power cut. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync, statfsSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'

const MIB = 1_048_576
/** Left free beside what is written, so that what sells goes on. */
const SPARE_BYTES = 64 * MIB

export const mib = (bytes: number): number => Math.ceil(bytes / MIB)

/** The nearest folder above that exists. */
function existing(path: string): string {
  for (let at = path; ; at = dirname(at)) if (existsSync(at) || dirname(at) === at) return at
}

/** With every link resolved as far as the path exists. */
function real(path: string): string {
  const base = existing(resolve(path))
  return resolve(realpathSync(base), relative(base, resolve(path)))
}

/** Whether a path is the folder itself or lies in it, whatever links lead there. */
export function isWithin(path: string, folder: string): boolean {
  const between = relative(real(folder), real(path))
  return between === '' || (!between.startsWith('..') && !isAbsolute(between))
}

/** What is missing for so many bytes at a path that may not exist yet; null when there is room. */
export function lackOfRoom(path: string, bytes: number): { neededMib: number; freeMib: number } | null {
  const { bavail, bsize } = statfsSync(existing(resolve(path)))
  const free = bavail * bsize
  return free >= bytes + SPARE_BYTES ? null : { neededMib: mib(bytes + SPARE_BYTES), freeMib: Math.floor(free / MIB) }
}

/** Makes renames within it durable; where a system cannot sync a folder it does so by itself. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    // Windows.
  }
}

/** Readable by its owner only. Error: the system's. */
export const makeFolder = (path: string): void => void mkdirSync(path, { recursive: true, mode: 0o700 })

export const systemCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'
/** Also in the words of `lib/disk-failure`. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'DISK_FULL'].includes(systemCode(error))
