/**
 * Loads a GGUF through llama.cpp's C interface: the model, one context with the slots as its sequences, and threads;
 * returns a StepModel over them.
 */
import { cpus } from 'node:os'

import { fail, type StokerError } from '#contract/errors.ts'
import { because, type ReasonParam } from '#contract/reasons.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'

import { ENGINE_NAME } from '#engine/protocol.ts'
import { gpusOf, type Device } from './gpus.ts'
import { createNativeLoop } from './native-loop.ts'
import type { ContextParams, NativeLlama, Pointer } from './native-types.ts'
import { createNativeVocabulary } from './native-vocabulary.ts'
import type { StepModel } from '../scheduler/step-model.ts'

/** enum ggml_type and enum llama_flash_attn_type of the release. */
const KV_TYPES = { f16: 1, q8_0: 8 } as const
const FLASH = { auto: -1, off: 0, on: 1 } as const
export const BATCH_TOKENS_DEFAULT = 512
export const SAVED_PREFIX_BYTES_DEFAULT = 256 * 1_024 * 1_024

/** All devices of the backends that are loaded, in llama.cpp's order. */
export function nativeDevices(native: NativeLlama): Device[] {
  const devices = Array.from({ length: native.ggml_backend_dev_count() }, (_, index) =>
    native.ggml_backend_dev_get(index),
  )
  return devices.map((device) => ({
    type: native.ggml_backend_dev_type(device),
    name: native.ggml_backend_dev_description(device),
  }))
}

/** The same, with what their backends say of them. */
export function describedDevices(native: NativeLlama): Device[] {
  return nativeDevices(native).map((device, index) => ({
    ...device,
    facts: native.deviceFacts(native.ggml_backend_dev_get(index)),
  }))
}

/** `CPU: Intel …`, or the names of the GPUs that hold layers. */
function deviceName(native: NativeLlama, gpuLayers: number): string {
  const names = gpuLayers > 0 ? gpusOf(nativeDevices(native)).map(({ name }) => name) : []
  return names.length > 0 ? names.join(' + ') : `CPU: ${cpus()[0]?.model.trim() || process.arch}`
}

export const outOfMemory = ({ slots, contextTokens }: EngineSettings, reason: ReasonParam): StokerError =>
  fail('engine.slotsNoMemory', {
    slots,
    contextTokens,
    says: reason === '' ? 'no' : 'yes',
    reason: typeof reason === 'string' ? reason.slice(0, 200) : reason,
  })

function loadModel(native: NativeLlama, path: string, settings: EngineSettings): Pointer {
  native.takeLog()
  const model = native.llama_model_load_from_file(path, {
    ...native.llama_model_default_params(),
    n_gpu_layers: settings.gpuLayers,
  })
  if (model !== null) return model
  const reason = native.takeLog()
  if (/alloc|memory/i.test(reason)) throw outOfMemory(settings, reason.split('\n')[0] ?? '')
  const line = /error loading model: (.*)/.exec(reason)?.[1] ?? reason.split('\n')[0] ?? 'no reason given'
  throw fail('engine.cannotLoad', { reason: line.slice(0, 200) })
}

/** Throws BAD_REQUEST for a KV cache type that the engine does not support with these settings. */
export function checkCache({ kvType = 'f16', flashAttention = 'auto' }: EngineSettings): void {
  if (kvType !== 'f16' && flashAttention === 'off') throw fail('engine.cacheNeedsFlash')
}

function createContext(native: NativeLlama, model: Pointer, settings: EngineSettings, capacity: number): Pointer {
  const { slots, contextTokens, threads, kvType = 'f16', flashAttention = 'auto' } = settings
  checkCache(settings)
  const params: Partial<ContextParams> = {
    n_ctx: slots * contextTokens,
    n_batch: capacity,
    n_ubatch: capacity,
    n_seq_max: slots,
    n_threads: threads,
    n_threads_batch: threads,
    flash_attn_type: FLASH[flashAttention],
    type_k: KV_TYPES[kvType],
    type_v: KV_TYPES[kvType],
    // Each slot has its own part of the KV cache: a job's attention does not run over other jobs' tokens. In return the
    // slots of a step must be adjacent and in order.
    kv_unified: false,
    no_perf: true,
  }
  const context = native.llama_init_from_model(model, { ...native.llama_context_default_params(), ...params })
  if (context === null) throw outOfMemory(settings, native.takeLog().split('\n')[0] ?? '')
  if (native.llama_n_ctx_seq(context) >= contextTokens) return context
  native.llama_free(context)
  throw outOfMemory(settings, because('engine.contextSmaller'))
}

/** Errors: ENGINE_LOAD_FAILED, ENGINE_OUT_OF_MEMORY, BAD_REQUEST. */
export function loadNativeModel(
  native: NativeLlama,
  path: string,
  sha256: ModelSha256,
  asked: EngineSettings,
): StepModel {
  const model = loadModel(native, path, asked)
  try {
    const settings = {
      ...asked,
      contextTokens: Math.min(asked.contextTokens, Math.max(32, native.llama_model_n_ctx_train(model))),
    }
    const {
      batchTokens = BATCH_TOKENS_DEFAULT,
      savedPrefixBytes = SAVED_PREFIX_BYTES_DEFAULT,
      slots,
      contextTokens,
      threads,
    } = settings
    const capacity = batchTokens + slots
    const context = createContext(native, model, settings, capacity)
    const vocabulary = createNativeVocabulary(native, model)
    const loop = createNativeLoop(native, { model, context, vocabulary, slots, capacity, contextTokens, threads })
    return {
      ...loop,
      model: { sha256, contextTokens, slots, engine: ENGINE_NAME, device: deviceName(native, asked.gpuLayers) },
      vocabulary,
      prefixReuse: settings.prefixReuse,
      savedPrefixBytes,
      batchTokens,
      threadsMax: threads,
      onGpu: asked.gpuLayers > 0 && gpusOf(nativeDevices(native)).length > 0,
      async dispose() {
        loop.dispose()
        native.llama_model_free(model)
      },
    }
  } catch (error) {
    native.llama_model_free(model)
    throw error
  }
}
