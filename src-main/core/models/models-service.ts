/** What models offer screens and other domains. */
import type { Model, ModelInfo } from '#contract/models.ts'

import type { FilesLook } from './model-states.ts'
import type { StoredModel } from './models.ts'

export interface ModelsService {
  list(): Promise<Model[]>
  find(sha256: string): StoredModel | null
  /** Errors: MODEL_*, ENGINE_*, BAD_REQUEST (relative path). */
  inspect(path: string): Promise<ModelInfo>
  /** Ends with the stored model. Errors: as inspect; MODEL_CHANGED, CANCELLED, UNAVAILABLE (too many at once). */
  import(
    path: string,
    signal?: AbortSignal,
  ): AsyncGenerator<{ kind: 'hashing'; doneBytes: number; totalBytes: number } | { kind: 'done'; model: Model }>
  /** False when it was not there. Error MODEL_IN_USE; CONFLICT for a bundled one. */
  remove(sha256: string): Promise<boolean>
  /** At once: a file that has to be hashed again counts as changed until the hash (started here) says otherwise. */
  look(stored: StoredModel): Promise<Model['state']>
  /** The path of a file that is still the one that was hashed. Errors: NOT_FOUND, MODEL_MISSING, MODEL_CHANGED. */
  ready(sha256: string): Promise<StoredModel>
  /** What the system says of its files now, without hashing; null when there is no such model. */
  files(sha256: string): Promise<FilesLook | null>
}
