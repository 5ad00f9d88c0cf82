/**
 * Whether the folder still is the one that was opened, and whether its databases could be written: by names and rights
 * alone. Nothing is opened: closing a database file anywhere in a process drops the locks that SQLite holds on it
 * (sqlite.org/howtocorrupt.html, 2.2).
 */
import { constants, statSync } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

import { parseKeyText } from '#lib/ed25519.ts'

/** A file by what stays when it is renamed and changes when it is made anew. */
interface FileIdentity {
  path: string
  inode: bigint
  device: bigint
}

/** Less free space than this holds no commit of a few pages. */
const FREE_BYTES_MIN = 262_144
/** Beside a database, where they are there. */
const BESIDE = ['', '-wal', '-shm'] as const

/** At start, when all of them were just opened; one that is no file cannot go. */
export const identitiesOf = (paths: readonly string[]): FileIdentity[] =>
  paths.flatMap((path) => {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found === undefined ? [] : [{ path, inode: found.ino, device: found.dev }]
  })

/** The first that is gone or another file now; null when all are there. */
export async function firstGone(files: readonly FileIdentity[]): Promise<string | null> {
  for (const { path, inode, device } of files) {
    const found = await stat(path, { bigint: true }).catch(() => null)
    if (found === null || found.ino !== inode || found.dev !== device) return path
  }
  return null
}

/** Why a write to the database would fail, as a code of the system; null when nothing speaks against it. */
export async function writeProblem(path: string): Promise<string | null> {
  for (const beside of BESIDE) {
    const code = await access(`${path}${beside}`, constants.W_OK).then(
      () => null,
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'EIO',
    )
    // What is missing is the folder's matter, and the files beside it come and go.
    if (code !== null && code !== 'ENOENT') return code
  }
  const space = await statfs(dirname(path)).catch(() => null)
  return space !== null && space.bavail * space.bsize < FREE_BYTES_MIN ? 'ENOSPC' : null
}

/** A key's file has 119 bytes. */
const KEY_BYTES_MAX = 65_536

/** Whether the file holds this key; false also where it cannot be read. */
export async function holdsKey(path: string, publicKey: string): Promise<boolean> {
  try {
    if ((await stat(path)).size > KEY_BYTES_MAX) return false
    return parseKeyText(await readFile(path, 'utf8'), path).key.publicKey === publicKey
  } catch {
    return false
  }
}
