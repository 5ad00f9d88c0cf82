/**
 * Whether stored models' files still are what was hashed. A file with another time is hashed again, once per time it
 * changed.
 */
import type { Model } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'

import { sha256OfFile, stampOf } from './model-files.ts'
import { fileState, stampKey, type FileStamp, type StoredModel } from './models.ts'
import { moveModel } from './models.store.ts'

export interface ModelStates {
  /** At once: a file that has to be hashed again counts as changed until the hash (started here) says otherwise. */
  look(stored: StoredModel): Promise<Model['state']>
  /** Waits for the hash where one is needed. */
  settle(stored: StoredModel): Promise<Model['state']>
  /** Waits for the hashes under way. */
  idle(): Promise<void>
}

export function createModelStates(
  { rigDb, events }: Pick<CoreContext, 'rigDb' | 'events'>,
  signal: AbortSignal,
): ModelStates {
  /** Stamps that were hashed and found to be another file, by model; a restart hashes once more. */
  const foundOther = new Map<string, string>()
  const running = new Map<string, Promise<boolean>>()

  const check = async (stored: StoredModel): Promise<boolean> => {
    try {
      const { sha256, stamp } = await sha256OfFile(stored.path, signal)
      if (sha256 === stored.sha256)
        rigDb.tx((db) => moveModel(db, sha256, { ...stamp, path: stored.path, fileName: stored.fileName }))
      else foundOther.set(stored.sha256, stampKey(stamp))
      events.changed('models')
      return sha256 === stored.sha256
    } catch {
      // Unreadable or still being written: not ready, and the next look asks again.
      return false
    } finally {
      running.delete(stored.sha256)
    }
  }

  /** True when the file still is the same model. One hash at a time per model. */
  const recheck = (stored: StoredModel, found: FileStamp): Promise<boolean> => {
    if (signal.aborted || foundOther.get(stored.sha256) === stampKey(found)) return Promise.resolve(false)
    const started = running.get(stored.sha256) ?? check(stored)
    running.set(stored.sha256, started)
    return started
  }

  const stateOf = async (stored: StoredModel, wait: boolean): Promise<Model['state']> => {
    const found = await stampOf(stored.path)
    const state = fileState(stored, found)
    if (state !== 'recheck' || found === null) return state === 'recheck' ? 'missing' : state
    const same = recheck(stored, found)
    return wait && (await same) ? 'ready' : 'changed'
  }

  return {
    look: (stored) => stateOf(stored, false),
    settle: (stored) => stateOf(stored, true),
    async idle() {
      await Promise.all(running.values())
    },
  }
}
