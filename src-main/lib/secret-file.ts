/** Small files only their owner may read (mode 0600), written whole or not at all. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'

import { fail } from '#contract/errors.ts'

import { inDiskWords } from './disk-failure.ts'

const SECRET_BYTES_MAX = 65_536

/** Errors: DISK_FULL, DISK_READONLY, DISK_FAILED, naming the path; nothing half-written stays behind. */
export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = openSync(temporary, 'w', 0o600)
    try {
      // A disk with room for a part takes a part.
      if (writeSync(file, text) < Buffer.byteLength(text)) throw fail('disk.full', { path }, { data: { path } })
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw inDiskWords(error, path)
  }
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
    throw inDiskWords(error, path)
  }
}
