/**
 * Copies that are being made have another name, and a mark in the data folder that says where they are: what a kill left
 * is swept by the next start or the next copy, and nothing that this folder did not begin.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

import { isPartialName } from './copy-names.ts'

/** In the data folder. */
const MARK = 'backup-running.json'
const MARK_BYTES_MAX = 65_536
/** Left behind on disks that were not there since; the oldest are forgotten. */
const MARKED_MAX = 20

/** The newest last. A mark that is none names nothing. */
function marked(dataDir: string): string[] {
  const path = join(dataDir, MARK)
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? Infinity) > MARK_BYTES_MAX) return []
  try {
    // `partial` is how Stoker up to 0.1.0 named the only one.
    const { partial, partials } = JSON.parse(readSecretFile(path) ?? '') as { partial?: unknown; partials?: unknown }
    const all: unknown[] = Array.isArray(partials) ? partials : [partial]
    return all.filter((one) => typeof one === 'string' && isPartialName(basename(one))) as string[]
  } catch {
    return []
  }
}

function writeMark(dataDir: string, partials: readonly string[]): void {
  const path = join(dataDir, MARK)
  if (partials.length === 0) rmSync(path, { force: true })
  else writeSecretFile(path, `${JSON.stringify({ v: 2, partials: partials.slice(-MARKED_MAX) })}\n`)
}

/** Removes what was left; what lies on a disk that is not there now is returned, for a later try. */
const sweepMarked = (dataDir: string): string[] =>
  marked(dataDir).filter((path) => {
    if (!existsSync(dirname(path))) return true
    try {
      rmSync(path, { recursive: true, force: true })
      return false
    } catch {
      return true
    }
  })

/**
 * Marks a copy that begins, after what earlier ones left was swept. The returned function takes the copy's remains, if
 * any, and its mark away. Errors: DISK_*.
 */
export function markPartial(dataDir: string, partial: string): () => void {
  const left = sweepMarked(dataDir)
  writeMark(dataDir, [...left, partial])
  return () => {
    rmSync(partial, { recursive: true, force: true })
    writeMark(dataDir, left)
  }
}

/** Removes what a kill left of copies. Only the owner of the data folder may call it. Never throws. */
export function sweepPartialBackups(dataDir: string, automaticFolder: string): void {
  try {
    writeMark(dataDir, sweepMarked(dataDir))
    if (!existsSync(automaticFolder)) return
    for (const name of readdirSync(automaticFolder).filter(isPartialName))
      rmSync(join(automaticFolder, name), { recursive: true, force: true })
  } catch {
    // A disk that is not there now: the next start tries again.
  }
}
