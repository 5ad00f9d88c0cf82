/** Describes a model file from its header alone, before anything is loaded. */
import { basename } from 'node:path'

import { fail } from '#contract/errors.ts'
import type { EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'

import { checkKind, headerText as text } from './model-kind.ts'
import { readModelFiles } from './split-model.ts'
import { fileTypeName } from './gguf-types.ts'
import type { MemoryEstimate, MemorySettings } from '../native/llama-estimate.ts'

/** Context assumed when no settings are given; the trained one when that is shorter. */
const CONTEXT_ASSUMED = 4_096
/** Up to this share of the free memory it fits well. */
const COMFORT = 0.8

export type EstimateMemory = (path: string, settings: MemorySettings) => Promise<MemoryEstimate>

const GIB = 2 ** 30

/**
 * All parts of a split model are read, of which the path names the first. Errors: MODEL_UNREADABLE, MODEL_EMPTY,
 * MODEL_NOT_GGUF, MODEL_TRUNCATED, MODEL_UNSUPPORTED, MODEL_MISSING (a part), MODEL_TOO_BIG (more than this machine has
 * at all).
 */
export async function inspectModel(
  path: string,
  settings: Partial<EngineSettings>,
  estimate: EstimateMemory,
): Promise<ModelInspection> {
  const { header, parts, sizeBytes, tensors, parameters } = await readModelFiles(path)
  const architecture = checkKind(header, tensors, path)
  const trained = header.metadata.get(`${architecture}.context_length`)
  const contextTokens = typeof trained === 'number' ? trained : null
  const blocks = header.metadata.get(`${architecture}.block_count`)
  const assumed: MemorySettings = {
    ...settings,
    contextTokens: settings.contextTokens ?? Math.min(contextTokens ?? CONTEXT_ASSUMED, CONTEXT_ASSUMED),
    slots: settings.slots ?? 1,
    gpuLayers: settings.gpuLayers ?? 0,
  }
  const memory = await estimate(path, assumed).catch((error: unknown) => {
    throw fail('gguf.headerUnusable', { path, reason: (error as Error).message.slice(0, 200) })
  })
  if (!memory.supported) throw fail('gguf.architecture', { path, architecture }, { data: { architecture } })
  const { neededBytes, freeBytes, totalBytes, method } = memory
  if (neededBytes > totalBytes)
    throw fail(
      'gguf.tooBig',
      { path, needed: neededBytes / GIB, total: totalBytes / GIB },
      { data: { neededBytes, totalBytes } },
    )
  return {
    fileName: basename(path),
    path,
    ...(parts.length > 1 ? { parts } : {}),
    sizeBytes,
    architecture,
    parameters,
    quantisation: fileTypeName(header.metadata.get('general.file_type')),
    contextTokens,
    layers: typeof blocks === 'number' ? blocks : null,
    hasChatTemplate: text(header, 'tokenizer.chat_template') !== null,
    licence: text(header, 'general.license'),
    name: text(header, 'general.name'),
    memory: {
      neededBytes,
      freeBytes,
      method,
      fits: neededBytes <= freeBytes * COMFORT ? 'yes' : neededBytes <= freeBytes ? 'tight' : 'no',
    },
  }
}
