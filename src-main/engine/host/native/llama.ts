/**
 * node-llama-cpp itself: one instance per backend, made when first needed. Only the llama*.ts files and the readers of
 * headers import it.
 */
import { availableParallelism, cpus } from 'node:os'

import { getLlama, getLlamaGpuTypes, LlamaLogLevel, type Llama } from 'node-llama-cpp'

import type { GpuKind } from './native-packages.ts'

/**
 * Of the public loop. One core stays free: with as many threads as cores a busy machine falls to a thirtieth of its
 * speed.
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
 * The best kind of GPU that works here (each is tried in a process of the library's own, some seconds); null for none.
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
