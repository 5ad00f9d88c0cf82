/** Pure decisions about models: whether a file still is the one that was hashed, whether it fits, what it is called. */
import type { Model } from '#contract/models.ts'
import type { EpochMs } from '#contract/time.ts'
import { brandId, type ModelSha256 } from '#contract/ids.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'

/**
 * What the system says of a file: written in place it has another time, replaced it has another inode, and with its
 * modification time set back it still has another change time.
 */
export interface FileStamp {
  sizeBytes: number
  mtimeMs: number
  /** Of the inode; null where it is not known yet (models of earlier versions). */
  ctimeMs: number | null
  /** Null where it is not known yet. */
  inode: string | null
}

/** One file of a model, as it was when it was hashed. */
export interface ModelPart extends FileStamp {
  path: string
  /** Of this file alone. */
  sha256: string
}

/** A model as it is stored. */
export interface StoredModel {
  /** See modelIdentity. */
  sha256: ModelSha256
  /** Of the first part, which the engine is given. */
  path: string
  fileName: string
  /** Of all parts. */
  sizeBytes: number
  /** In their order; one for a model that is not split. */
  parts: readonly ModelPart[]
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

/** Identity of a split model: names and places of its parts do not count. */
const SPLIT_DOMAIN = 'stoker-split-v1\n'

/** The SHA-256 of a one-file model's file; of a split one, that of its parts' sizes and hashes in `split.no` order. */
export function modelIdentity(parts: readonly { sizeBytes: number; sha256: string }[]): ModelSha256 {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return brandId<ModelSha256>(only.sha256)
  const listed = parts.map(({ sizeBytes, sha256 }) => ({ size: sizeBytes, sha256 }))
  return brandId<ModelSha256>(sha256Hex(SPLIT_DOMAIN + canonicalJson(listed)))
}

const sameWhereKnown = <T>(a: T | null, b: T | null): boolean => a === null || b === null || a === b

export const sameStamp = (a: FileStamp, b: FileStamp): boolean =>
  a.sizeBytes === b.sizeBytes &&
  a.mtimeMs === b.mtimeMs &&
  sameWhereKnown(a.ctimeMs, b.ctimeMs) &&
  sameWhereKnown(a.inode, b.inode)

export const stampKey = (stamps: readonly (FileStamp | null)[]): string =>
  stamps
    .map((stamp) =>
      stamp === null ? 'none' : `${stamp.sizeBytes}:${stamp.mtimeMs}:${stamp.ctimeMs ?? ''}:${stamp.inode ?? ''}`,
    )
    .join(' ')

/**
 * Of all parts; `found` in their order. `recheck`: same sizes, but something was touched, which only hashing can tell
 * from a change.
 */
export function filesState(
  stored: readonly FileStamp[],
  found: readonly (FileStamp | null)[],
): 'ready' | 'missing' | 'changed' | 'recheck' {
  const pairs = stored.map((stamp, at) => ({ stamp, now: found[at] ?? null }))
  if (pairs.some(({ now }) => now === null)) return 'missing'
  if (pairs.some(({ stamp, now }) => now?.sizeBytes !== stamp.sizeBytes)) return 'changed'
  return pairs.every(({ stamp, now }) => now !== null && sameStamp(stamp, now)) ? 'ready' : 'recheck'
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

const shownPart = ({ path, sizeBytes, sha256 }: ModelPart): NonNullable<Model['parts']>[number] => ({
  path,
  sizeBytes,
  sha256: brandId<ModelSha256>(sha256),
})

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
    parts,
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
    ...(parts.length > 1 ? { parts: parts.map(shownPart) } : {}),
    state,
    memory: {
      neededBytes,
      freeBytes: memory.freeBytes,
      fits: memory.loaded ? 'yes' : memoryFit(neededBytes, memory.freeBytes),
      method: memory.loaded ? `${neededMethod}; loaded now` : neededMethod,
    },
  }
}
