/** Small files only their owner may read (mode 0600), written whole or not at all. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

import { fail } from '#contract/errors.ts'

const SECRET_BYTES_MAX = 65_536

export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

/** Null when there is no such file. Tightens the mode when it was wider. */
export function readSecretFile(path: string): string | null {
  try {
    const { mode, size } = statSync(path)
    if (size > SECRET_BYTES_MAX) throw fail('file.secretTooLarge', { path })
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) chmodSync(path, 0o600)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

const LEFTOVER = /^[A-Za-z-]+\.[A-Za-z0-9.-]*\d+\.tmp$/

/** Removes what kills in the middle of a write left in the folder. For its owner alone, before anybody writes there. */
export function sweepSecretLeftovers(folder: string): void {
  try {
    for (const name of readdirSync(folder)) if (LEFTOVER.test(name)) rmSync(join(folder, name), { force: true })
  } catch {
    // No such folder yet, or a disk that is not there: the next start tries again.
  }
}
