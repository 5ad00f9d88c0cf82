/** Pure decisions about models: whether a file still is the one that was hashed, whether it fits, what it is called. */
import type { Model } from '#contract/models.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ModelSha256 } from '#contract/ids.ts'

/** Size and modification time, as the system tells them. */
export interface FileStamp {
  sizeBytes: number
  mtimeMs: number
}

/** A model as it is stored. */
export interface StoredModel extends FileStamp {
  sha256: ModelSha256
  path: string
  fileName: string
  addedAt: EpochMs
  bundled: boolean
  architecture: string
  parameters: number | null
  quantisation: string
  contextTokens: number | null
  hasChatTemplate: boolean
  licence: string | null
  name: string | null
  neededBytes: number
  neededMethod: string
  card: string | null
}

export const sameStamp = (a: FileStamp, b: FileStamp): boolean => a.sizeBytes === b.sizeBytes && a.mtimeMs === b.mtimeMs
export const stampKey = ({ sizeBytes, mtimeMs }: FileStamp): string => `${sizeBytes}:${mtimeMs}`

/** `recheck`: same size but another time, which only hashing can tell from a copy or a touch. */
export function fileState(stored: FileStamp, found: FileStamp | null): 'ready' | 'missing' | 'changed' | 'recheck' {
  if (found === null) return 'missing'
  if (sameStamp(stored, found)) return 'ready'
  return stored.sizeBytes === found.sizeBytes ? 'recheck' : 'changed'
}

/** Below this share of the free memory a model fits with room for the rest of the machine. */
const COMFORTABLE_SHARE = 0.8

export function memoryFit(neededBytes: number, freeBytes: number): 'yes' | 'tight' | 'no' {
  if (neededBytes > freeBytes) return 'no'
  return neededBytes <= freeBytes * COMFORTABLE_SHARE ? 'yes' : 'tight'
}

/** What the model is called on screens: its header's name, else its file's. */
export const modelName = ({ name, fileName }: { name: string | null; fileName: string }): string => {
  const named = name?.trim() ?? ''
  return named === '' ? fileName.replace(/\.gguf$/i, '') : named
}

/** The contract's view of a stored model. A loaded model fits by definition: it is in memory. */
export function toModel(
  stored: StoredModel,
  state: Model['state'],
  memory: { freeBytes: number; loaded: boolean },
): Model {
  const {
    sha256,
    path,
    fileName,
    sizeBytes,
    addedAt,
    bundled,
    architecture,
    parameters,
    quantisation,
    contextTokens,
    hasChatTemplate,
    licence,
    name,
    neededBytes,
    neededMethod,
    card,
  } = stored
  return {
    sha256,
    path,
    fileName,
    sizeBytes,
    addedAt,
    bundled,
    architecture,
    parameters,
    quantisation,
    contextTokens,
    hasChatTemplate,
    licence,
    name,
    card,
    state,
    memory: {
      neededBytes,
      freeBytes: memory.freeBytes,
      fits: memory.loaded ? 'yes' : memoryFit(neededBytes, memory.freeBytes),
      method: memory.loaded ? `${neededMethod}; loaded now` : neededMethod,
    },
  }
}
