/**
 * node-llama-cpp itself: one instance per backend, created when first needed. Only the llama*.ts files and the readers
 * of headers import it.
 */
import { availableParallelism, cpus } from 'node:os'

import { getLlama, getLlamaGpuTypes, LlamaLogLevel, type Llama } from 'node-llama-cpp'

import { findFetchedCuda } from '../cuda-imports.ts'
import type { GpuKind } from './native-packages.ts'

findFetchedCuda()

/**
 * Most threads of the public loop. One core stays free: with a thread on every core a busy machine drops to a thirtieth
 * of its speed.
 */
export const THREADS_MAX = Math.max(1, availableParallelism() - 1)

const instances = new Map<boolean, Promise<Llama>>()

/** Never builds and never downloads; without a usable GPU `auto` is the CPU. */
export function llamaInstance(gpu: boolean): Promise<Llama> {
  let instance = instances.get(gpu)
  if (instance === undefined) {
    instance = getLlama({
      gpu: gpu ? 'auto' : false,
      build: 'never',
      skipDownload: true,
      maxThreads: THREADS_MAX,
      logLevel: LlamaLogLevel.disabled,
      progressLogs: false,
    })
    instance.catch(() => instances.delete(gpu))
    instances.set(gpu, instance)
  }
  return instance
}

let gpus: Promise<GpuKind | null> | undefined

/**
 * The best GPU type that works here; null for none. The library tries each in a process of its own, for some seconds.
 */
export function usableGpu(): Promise<GpuKind | null> {
  gpus ??= getLlamaGpuTypes('supported').then((types) => types.find((type): type is GpuKind => type !== false) ?? null)
  return gpus
}

/** `CPU: Intel …`, or the GPUs' names. */
export async function deviceName(llama: Llama): Promise<string> {
  if (llama.gpu === false) return `CPU: ${cpus()[0]?.model.trim() || process.arch}`
  const names = await llama.getGpuDeviceNames().catch(() => [])
  return names.length === 0 ? llama.gpu : names.join(' + ')
}
