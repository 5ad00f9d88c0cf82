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
  /** The first that is not as it was; the model's own where all are. */
  path: string
}

export interface ModelStates {
  files(stored: StoredModel): Promise<FilesLook>
  /** At once: files that have to be hashed again count as changed until the hash (started here) says otherwise. */
  look(stored: StoredModel): Promise<Model['state']>
  /** Waits for the hash where one is needed. */
  settle(stored: StoredModel): Promise<Model['state']>
  /** Waits for the hashes under way. */
  idle(): Promise<void>
}

const isSame = (part: ModelPart, found: FileStamp | null | undefined): boolean =>
  found !== null && found !== undefined && sameStamp(part, found)

const pathsOf = ({ parts }: StoredModel): string[] => parts.map(({ path }) => path)

export function createModelStates(
  { rigDb, events }: Pick<CoreContext, 'rigDb' | 'events'>,
  signal: AbortSignal,
): ModelStates {
  /** Stamps that were hashed and found to be other files, by model; a restart hashes once more. */
  const foundOther = new Map<string, string>()
  const running = new Map<string, Promise<boolean>>()

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

  /** Hashes those that were touched. */
  const check = async (stored: StoredModel, found: readonly (FileStamp | null)[]): Promise<boolean> => {
    const parts: ModelPart[] = []
    try {
      for (const [at, part] of stored.parts.entries()) {
        if (isSame(part, found[at])) parts.push({ ...part, ...found[at] })
        else parts.push({ path: part.path, ...(await toPart(part.path)) })
      }
      const same = parts.every((part, at) => part.sha256 === stored.parts[at]?.sha256)
      if (same) keep(stored, parts)
      else foundOther.set(stored.sha256, stampKey(parts))
      events.changed('models')
      return same
    } catch {
      // Unreadable or still being written: not ready, and the next look asks again.
      return false
    } finally {
      running.delete(stored.sha256)
    }
  }
  const toPart = async (path: string): Promise<Omit<ModelPart, 'path'>> => {
    const { sha256, stamp } = await sha256OfFile(path, signal)
    return { sha256, ...stamp }
  }

  /** True when it still is the same model. One hash at a time per model. */
  const recheck = (stored: StoredModel, found: readonly (FileStamp | null)[]): Promise<boolean> => {
    if (signal.aborted || foundOther.get(stored.sha256) === stampKey(found)) return Promise.resolve(false)
    const started = running.get(stored.sha256) ?? check(stored, found)
    running.set(stored.sha256, started)
    return started
  }

  const stateOf = async (stored: StoredModel, wait: boolean): Promise<Model['state']> => {
    const found = await stampsOf(pathsOf(stored))
    const state = filesState(stored.parts, found)
    if (state === 'ready' && stored.parts.some(({ inode }) => inode === null)) adopt(stored, found)
    if (state !== 'recheck') return state
    const same = recheck(stored, found)
    return wait && (await same) ? 'ready' : 'changed'
  }

  return {
    async files(stored) {
      const found = await stampsOf(pathsOf(stored))
      const state = filesState(stored.parts, found)
      const { path } = stored.parts.find((part, at) => !isSame(part, found[at])) ?? stored
      return { found: state === 'recheck' ? 'changed' : state, path }
    },
    look: (stored) => stateOf(stored, false),
    settle: (stored) => stateOf(stored, true),
    async idle() {
      await Promise.all(running.values())
    },
  }
}
