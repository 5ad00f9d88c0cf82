/** Small files only their owner may read (mode 0600), written whole or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

import { readOwnFile } from './own-file.ts'

const SECRET_BYTES_MAX = 65_536

export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  // Left behind by a killed process of our number, or put there: `wx` takes no link and no file of another's.
  rmSync(temporary, { force: true })
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

/** Null when there is no such file. Tightens the mode when it was wider. Errors: as readOwnFile. */
export const readSecretFile = (path: string): string | null => readOwnFile(path, SECRET_BYTES_MAX, { tighten: true })
