/** Describes a model file from its header alone, before anything is loaded. */
import { basename } from 'node:path'

import { fail } from '#contract/errors.ts'
import type { EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'

import { readGgufHeader, type GgufHeader } from './gguf-header.ts'
import { fileTypeName } from './gguf-types.ts'
import type { MemoryEstimate, MemorySettings } from '../native/llama-estimate.ts'

/** Context assumed when no settings are given; the trained one when that is shorter. */
const CONTEXT_ASSUMED = 4_096
/** Up to this share of the free memory it fits well. */
const COMFORT = 0.8

export type EstimateMemory = (path: string, settings: MemorySettings) => Promise<MemoryEstimate>

const text = (header: GgufHeader, key: string): string | null => {
  const value = header.metadata.get(key)
  return typeof value === 'string' && value !== '' ? value.slice(0, 300) : null
}

const GIB = 2 ** 30

function checkKind(header: GgufHeader, path: string): string {
  const architecture = text(header, 'general.architecture')
  if (architecture === null) throw fail('gguf.noArchitecture', { path })
  const kind = text(header, 'general.type')
  if (kind !== null && kind !== 'model')
    throw kind === 'adapter' ? fail('gguf.adapter', { path }) : fail('gguf.part', { path, kind })
  const parts = header.metadata.get('split.count')
  if (typeof parts === 'number' && parts > 1) throw fail('gguf.split', { path, parts })
  return architecture
}

/**
 * Errors: MODEL_UNREADABLE, MODEL_EMPTY, MODEL_NOT_GGUF, MODEL_TRUNCATED, MODEL_UNSUPPORTED, MODEL_TOO_BIG (more than
 * this machine has at all).
 */
export async function inspectModel(
  path: string,
  settings: Partial<EngineSettings>,
  estimate: EstimateMemory,
): Promise<ModelInspection> {
  const header = await readGgufHeader(path)
  const architecture = checkKind(header, path)
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
    sizeBytes: header.sizeBytes,
    architecture,
    parameters: header.parameters,
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
