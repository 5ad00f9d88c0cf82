/** Which of the devices that a process sees are GPUs that llama.cpp would offload layers to. Pure. */
import { fail } from '#contract/errors.ts'
import type { EngineGpu } from '#core/engine/engine.port.ts'

/** enum ggml_backend_dev_type of the release: 1 is a GPU, 2 one inside the processor. */
const GPU = 1
const INTEGRATED = 2

export interface Device {
  /** enum ggml_backend_dev_type. */
  type: number
  name: string
  /** As its backend says it; missing where nobody asked. Bytes. */
  facts?: { backend: string; freeBytes: number; totalBytes: number; pci: string | null }
}

/**
 * GPUs with memory of their own; where there are none, the integrated one, which shares main memory (llama.cpp,
 * llama_prepare_model_devices). One backend is loaded, so the index among its GPUs is the one that its environment
 * variable uses (gpu-environment.ts), unless that backend left some out.
 */
export function gpusOf(devices: readonly Device[]): EngineGpu[] {
  const all = devices
    .filter(({ type }) => type === GPU || type === INTEGRATED)
    .map((device, index) => ({ ...device, index }))
  const own = all.filter(({ type }) => type === GPU)
  return (own.length > 0 ? own : all.slice(0, 1)).map(({ index, name, type, facts }) =>
    facts === undefined ? { index, name } : { index, name, integrated: type === INTEGRATED, ...facts },
  )
}

/** What an owner may name devices by, as in client/gpu-environment.ts. */
const VARIABLES = ['CUDA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES'] as const
const VALUE_CHARACTERS = 80

/**
 * With layers to offload, a GPU must be there: the processor would serve at a tenth of the speed that was measured, and
 * nobody would know. Error ENGINE_LOAD_FAILED, with every such variable that is set: which of them the
 * backend reads is its own matter.
 */
export function checkVisible(
  seen: readonly EngineGpu[],
  environment: Readonly<Record<string, string | undefined>>,
): void {
  if (seen.length > 0) return
  const set = VARIABLES.flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [`${name}=${value.slice(0, VALUE_CHARACTERS)}`]
  })
  throw fail('engine.gpuNone', { named: set.length > 0 ? 'yes' : 'no', variables: set.join(', ') })
}

/**
 * A process that is bound to one GPU must see that one and no other: with none it would run on the CPU, with several it
 * would spread over them. Error ENGINE_LOAD_FAILED.
 */
export function checkBound(seen: readonly EngineGpu[]): void {
  if (seen.length === 1) return
  throw seen.length === 0 ? fail('engine.gpuUnseen') : fail('engine.gpusSeen', { seen: seen.length })
}
