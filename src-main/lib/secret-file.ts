/** Small files only their owner may read (mode 0600), written whole or not at all. */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { fail } from '#contract/errors.ts'

import { inDiskWords, onDisk } from './disk-failure.ts'
import { readOwnFile } from './own-file.ts'

const SECRET_BYTES_MAX = 65_536

/** Errors: DISK_FULL, DISK_READONLY, DISK_FAILED, naming the path; nothing half-written stays behind. */
export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    // Left behind by a killed process of our number, or put there: `wx` takes no link and no file of another's.
    rmSync(temporary, { force: true })
    const file = openSync(temporary, 'wx', 0o600)
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

/** Null when there is no such file. Tightens the mode when it was wider. Errors: as readOwnFile, DISK_*. */
export const readSecretFile = (path: string): string | null =>
  onDisk(path, () => readOwnFile(path, SECRET_BYTES_MAX, { tighten: true }))

const LEFTOVER = /^[A-Za-z-]+\.[A-Za-z0-9.-]*\d+\.tmp$/

/** Removes what kills in the middle of a write left in the folder. For its owner alone, before anybody writes there. */
export function sweepSecretLeftovers(folder: string): void {
  try {
    for (const name of readdirSync(folder)) if (LEFTOVER.test(name)) rmSync(join(folder, name), { force: true })
  } catch {
    // No such folder yet, or a disk that is not there: the next start tries again.
  }
}
