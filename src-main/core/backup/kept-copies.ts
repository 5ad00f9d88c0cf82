/** The automatic copies that lie in a folder: found by their lists, and taken away when they are too many. */
import { readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { copiesToRemove, isCopyName, partialName, type KeptCopy } from './copy-names.ts'
import { hasManifest, readManifest } from './manifest.ts'

const COPIES_MAX = 10_000

/** Newest first. Copies by hand, and those of another rig that shares the folder, are not ours to count. */
export function automaticCopies(folder: string, publicKey: string): KeptCopy[] {
  return copyNames(folder).flatMap((name) => {
    const path = join(folder, name)
    try {
      const { automatic, publicKey: whose, files } = readManifest(path)
      return automatic && whose === publicKey ? [{ path, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }] : []
    } catch {
      return []
    }
  })
}

/** Newest first. */
function copyNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isCopyName).toSorted().toReversed().slice(0, COPIES_MAX)
  } catch {
    return []
  }
}

/** The newest copy in a folder, whoever made it; null when there is none. */
export function newestCopy(folder: string): string | null {
  const name = copyNames(folder).find((one) => hasManifest(join(folder, one)))
  return name === undefined ? null : join(folder, name)
}

/** Takes away what is beyond the bounds. A kill in between leaves nothing that looks like a copy. */
export function pruneCopies(folder: string, publicKey: string, bounds: { keep: number; bytesMax: number }): void {
  for (const { path } of copiesToRemove(automaticCopies(folder, publicKey), bounds)) {
    const going = join(dirname(path), partialName(basename(path)))
    renameSync(path, going)
    rmSync(going, { recursive: true, force: true })
  }
}
