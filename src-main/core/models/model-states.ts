/**
 * Whether stored models' files still are what was hashed. Files that were touched are hashed again, once per touch.
 */
import type { Model } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'

import { sha256OfFile, stampsOf } from './model-files.ts'
import { filesState, sameStamp, stampKey, type FileStamp, type ModelPart, type StoredModel } from './models.ts'
import { moveModel } from './models.store.ts'

/** What the system says of a model's files; nothing is hashed for it. */
export interface FilesLook {
  /** `ready`: as they were when they were hashed. `changed`: at least touched. */
  found: Model['state']
  /** The first that is not as it was (gone before touched); the model's own where all are. */
  path: string
}

export interface ModelStates {
  files(stored: StoredModel): Promise<FilesLook>
  /** At once: files that have to be hashed again count as changed until the hash (started here) says otherwise. */
  look(stored: StoredModel): Promise<Model['state']>
  /** Waits for the hash where one is needed: `changed` then names the first part that is another file. */
  settle(stored: StoredModel): Promise<FilesLook>
  /** Waits for the hashes under way. */
  idle(): Promise<void>
}

const isSame = (part: ModelPart, found: FileStamp | null | undefined): boolean =>
  found !== null && found !== undefined && sameStamp(part, found)

/** What is missing says more than what was touched, and another size more than another time. */
function firstOther({ parts, path }: StoredModel, found: readonly (FileStamp | null)[]): string {
  const first = (is: (part: ModelPart, now: FileStamp | null) => boolean): string | undefined =>
    parts.find((part, at) => is(part, found[at] ?? null))?.path
  return (
    first((_part, now) => now === null) ??
    first((part, now) => now?.sizeBytes !== part.sizeBytes) ??
    first((part, now) => !isSame(part, now)) ??
    path
  )
}

const pathsOf = ({ parts }: StoredModel): string[] => parts.map(({ path }) => path)

export function createModelStates(
  { rigDb, events }: Pick<CoreContext, 'rigDb' | 'events'>,
  signal: AbortSignal,
): ModelStates {
  /** Stamps that were hashed and found to be other files, by model; a restart hashes once more. */
  const foundOther = new Map<string, { stamps: string; path: string }>()
  const running = new Map<string, Promise<string | null>>()

  const keep = (stored: StoredModel, parts: readonly ModelPart[]): void =>
    rigDb.tx((db) => moveModel(db, stored.sha256, { path: stored.path, fileName: stored.fileName, parts }))

  /** Of an earlier version, which did not know all that is watched now; what it knew has not changed since. */
  const adopt = (stored: StoredModel, found: readonly (FileStamp | null)[]): void => {
    const parts = stored.parts.map((part, at) => ({ ...part, ...found[at] }))
    try {
      keep(stored, parts)
    } catch {
      // A look must not need a disk that can be written.
    }
  }

  /** Hashes those that were touched. The path of the first that is another file; null where all are the same. */
  const check = async (stored: StoredModel, found: readonly (FileStamp | null)[]): Promise<string | null> => {
    const parts: ModelPart[] = []
    let path = stored.path
    try {
      for (const [at, part] of stored.parts.entries()) {
        path = part.path
        if (isSame(part, found[at])) parts.push({ ...part, ...found[at] })
        else parts.push({ path, ...(await toPart(path)) })
      }
      const other = parts.find((part, at) => part.sha256 !== stored.parts[at]?.sha256)?.path ?? null
      if (other === null) keep(stored, parts)
      else foundOther.set(stored.sha256, { stamps: stampKey(parts), path: other })
      events.changed('models')
      return other
    } catch {
      // Unreadable or still being written: not ready, and the next look asks again.
      return path
    } finally {
      running.delete(stored.sha256)
    }
  }
  const toPart = async (path: string): Promise<Omit<ModelPart, 'path'>> => {
    const { sha256, stamp } = await sha256OfFile(path, signal)
    return { sha256, ...stamp }
  }

  /** As `check`. One hash at a time per model. */
  const recheck = (stored: StoredModel, found: readonly (FileStamp | null)[]): Promise<string | null> => {
    const known = foundOther.get(stored.sha256)
    if (known?.stamps === stampKey(found)) return Promise.resolve(known.path)
    if (signal.aborted) return Promise.resolve(stored.path)
    const started = running.get(stored.sha256) ?? check(stored, found)
    running.set(stored.sha256, started)
    return started
  }

  const stateOf = async (stored: StoredModel, wait: boolean): Promise<FilesLook> => {
    const found = await stampsOf(pathsOf(stored))
    const state = filesState(stored.parts, found)
    if (state === 'ready' && stored.parts.some(({ inode }) => inode === null)) adopt(stored, found)
    if (state !== 'recheck') return { found: state, path: firstOther(stored, found) }
    const hashed = recheck(stored, found)
    const other = wait ? await hashed : firstOther(stored, found)
    return other === null ? { found: 'ready', path: stored.path } : { found: 'changed', path: other }
  }

  return {
    async files(stored) {
      const found = await stampsOf(pathsOf(stored))
      const state = filesState(stored.parts, found)
      return { found: state === 'recheck' ? 'changed' : state, path: firstOther(stored, found) }
    },
    look: async (stored) => (await stateOf(stored, false)).found,
    settle: (stored) => stateOf(stored, true),
    async idle() {
      await Promise.all(running.values())
    },
  }
}
