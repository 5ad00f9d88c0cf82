/** How far a download is. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes below a folder; files may vanish while they are counted. */
export function bytesBelow(dir: string): number {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
      try {
        return entry.isFile() ? sum + statSync(join(entry.parentPath, entry.name)).size : sum
      } catch {
        return sum
      }
    }, 0)
  } catch {
    return 0
  }
}
