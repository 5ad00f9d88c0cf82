/**
 * Loads a GGUF as a StepModel: natively where the libraries are as expected, else through node-llama-cpp's public API.
 * The context is never silently made smaller, and never shifted.
 */
import { GgmlType, InsufficientMemoryError, type LlamaContext, type LlamaModel } from 'node-llama-cpp'

import { fail, StokerError } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineGpu, EngineSettings } from '#core/engine/engine.port.ts'

import { ENGINE_NAME } from '#engine/protocol.ts'
import { gpusOf } from './gpus.ts'
import { deviceName, llamaInstance, THREADS_MAX, usableGpu } from './llama.ts'
import { createPublicLoop, createPublicVocabulary } from './llama-public.ts'
import { openNative } from './native-library.ts'
import { BATCH_TOKENS_DEFAULT, checkCache, loadNativeModel, describedDevices, outOfMemory } from './native-model.ts'
import { findNative, type GpuKind } from './native-packages.ts'
import type { NativeLlama } from './native-types.ts'
import type { StepModel } from '../scheduler/step-model.ts'

/** `public` forces the fallback loop (tests). */
export interface LoadOptions {
  loop?: 'auto' | 'public'
  /** Called at each load with the reason why the native loop cannot be used. */
  onFallback?: (reason: string) => void
  /** Finds the libraries (replaced in tests). */
  find?: typeof findNative
}

const opened = new Map<GpuKind | null, NativeLlama | Error>()

/** The libraries, loaded and checked once; an Error says why they cannot be used here. */
function nativeOf(gpu: GpuKind | null, find: typeof findNative): NativeLlama | Error {
  let native = find === findNative ? opened.get(gpu) : undefined
  if (native === undefined) {
    try {
      const paths = find(gpu)
      native = paths === null ? new Error('the prebuilt libraries were not found') : openNative(paths)
    } catch (error) {
      native = error as Error
    }
    if (find === findNative) opened.set(gpu, native)
  }
  return native
}

/**
 * GPUs that llama.cpp would use in this process; as the public API names them where the libraries cannot be opened
 * natively.
 */
export async function visibleGpus(): Promise<EngineGpu[]> {
  const kind = await usableGpu()
  if (kind === null) return []
  const native = nativeOf(kind, findNative)
  if (!(native instanceof Error)) return gpusOf(describedDevices(native))
  const llama = await llamaInstance(true)
  const names = await llama.getGpuDeviceNames()
  const { unifiedSize } = await llama.getVramState()
  return (unifiedSize > 0 ? names.slice(0, 1) : names).map((name, index) => ({ index, name }))
}

function loadError(error: unknown, settings: EngineSettings): StokerError {
  if (error instanceof StokerError) return error
  const reason = (error as Error).message.slice(0, 300)
  if (error instanceof InsufficientMemoryError || /memory|failed to create context/i.test(reason))
    return outOfMemory(settings, reason)
  return fail('engine.cannotLoad', { reason })
}

const KV_TYPES = { f16: GgmlType.F16, q8_0: GgmlType.Q8_0 } as const

function createContext(model: LlamaModel, settings: EngineSettings, threads: number): Promise<LlamaContext> {
  const { kvType = 'f16', flashAttention = 'auto' } = settings
  checkCache(settings)
  return model.createContext({
    sequences: settings.slots,
    contextSize: settings.contextTokens,
    batchSize: (settings.batchTokens ?? BATCH_TOKENS_DEFAULT) + settings.slots,
    threads: { ideal: threads, min: threads },
    flashAttention: flashAttention === 'auto' ? 'auto' : flashAttention === 'on',
    experimentalKvCacheKeyType: KV_TYPES[kvType],
    experimentalKvCacheValueType: KV_TYPES[kvType],
    failedCreationRemedy: false,
  })
}

async function loadPublicModel(path: string, sha256: ModelSha256, asked: EngineSettings): Promise<StepModel> {
  const llama = await llamaInstance(asked.gpuLayers > 0)
  // Without a persistent thread pool the library collapses when it takes every core.
  const threads = Math.min(asked.threads, THREADS_MAX)
  const model = await llama.loadModel({ modelPath: path, gpuLayers: asked.gpuLayers }).catch((error: unknown) => {
    throw loadError(error, asked)
  })
  const settings = { ...asked, contextTokens: Math.min(asked.contextTokens, model.trainContextSize) }
  try {
    const context = await createContext(model, settings, threads)
    return {
      ...createPublicLoop(llama, model, context, settings.slots),
      model: {
        sha256,
        contextTokens: settings.contextTokens,
        slots: settings.slots,
        engine: `${ENGINE_NAME} (public API)`,
        device: await deviceName(llama),
      },
      vocabulary: createPublicVocabulary(model),
      prefixReuse: settings.prefixReuse,
      savedPrefixBytes: 0,
      batchTokens: settings.batchTokens ?? BATCH_TOKENS_DEFAULT,
      threadsMax: threads,
      onGpu: asked.gpuLayers > 0 && llama.gpu !== false,
      dispose: () => model.dispose(),
    }
  } catch (error) {
    await model.dispose()
    throw loadError(error, settings)
  }
}

/** Errors: ENGINE_LOAD_FAILED, ENGINE_OUT_OF_MEMORY, BAD_REQUEST. inspect-model.ts has checked the file's header. */
export async function loadStepModel(
  path: string,
  sha256: ModelSha256,
  settings: EngineSettings,
  { loop = 'auto', onFallback, find = findNative }: LoadOptions = {},
): Promise<StepModel> {
  if (loop === 'public') return loadPublicModel(path, sha256, settings)
  const native = nativeOf(settings.gpuLayers > 0 ? await usableGpu() : null, find)
  if (!(native instanceof Error)) return loadNativeModel(native, path, sha256, settings)
  onFallback?.(native.message)
  return loadPublicModel(path, sha256, settings)
}
