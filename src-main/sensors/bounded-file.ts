/** Files of /sys and /proc: small, answered by the kernel at once, read by a fixed number of bytes. Never throws. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

const BYTES = 4_096

/** The first 4 KiB, trimmed; null where it cannot be read. */
export function readText(path: string): string | null {
  let file: number | null = null
  try {
    file = openSync(path, 'r')
    const bytes = Buffer.alloc(BYTES)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, BYTES, 0)).trim()
  } catch {
    return null
  } finally {
    if (file !== null) closeSync(file)
  }
}

/** NaN for what is there and is no number: nonsense, where a missing file is only silence (null). */
export function readNumber(path: string): number | null {
  const text = readText(path)
  return text === null ? null : /^-?\d+$/.test(text) ? Number(text) : Number.NaN
}

/** At most `max` names, sorted as people count; empty where there is no such folder. */
export function readNames(path: string, max: number): string[] {
  try {
    return readdirSync(path)
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .slice(0, max)
  } catch {
    return []
  }
}
