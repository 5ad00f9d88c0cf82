/** Small files only their owner may read (mode 0600), written whole or not at all. */
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'

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
