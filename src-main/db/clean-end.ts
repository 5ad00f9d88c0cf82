/**
 * Whether a database is as its last owner left it in order: at a clean end size, time and number of each file are
 * noted, and a start takes the note away. A file that differs (a crash, a copy, a change by somebody else) is checked.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const NOTE = 'ended.json'
const NOTE_BYTES_MAX = 65_536

const standing = (path: string): string | null => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : [found.size, found.mtimeNs, found.ino].join(' ')
}

/** Called once every file is closed. Where the note cannot be written, the next start checks. */
export function noteCleanEnd(dir: string, paths: readonly string[]): void {
  try {
    const files = Object.fromEntries(paths.map((path) => [relative(dir, path), standing(path)]))
    writeFileSync(join(dir, NOTE), JSON.stringify(files), { mode: 0o600 })
  } catch {
    removeNote(join(dir, NOTE))
  }
}

/** The paths of the files that are as they were left; the note is gone afterwards. Ask before anything is opened. */
export function takeCleanEnd(dir: string): ReadonlySet<string> {
  const note = join(dir, NOTE)
  try {
    if (statSync(note).size > NOTE_BYTES_MAX) return new Set()
    const files = JSON.parse(readFileSync(note, 'utf8')) as Record<string, unknown>
    const clean = Object.entries(files).filter(([name, noted]) => noted !== null && standing(join(dir, name)) === noted)
    return new Set(clean.map(([name]) => join(dir, name)))
  } catch {
    return new Set()
  } finally {
    removeNote(note)
  }
}

/** A folder that cannot be written keeps it; what it says of the files is compared all the same. */
function removeNote(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The next start compares again.
  }
}
