/**
 * A pool of local host processes: slots and memory for saved prefixes are divided among them at load, threads while they
 * work; each may have a GPU of its own.
 */
import { fail } from '#contract/errors.ts'
import type { EngineGpu, EngineSettings } from '#core/engine/engine.port.ts'

import type { LocalMember } from '../client/engine-client.ts'
import type { MemberGpu, PoolKind } from './pool-kind.ts'

export const PROCESSES_MAX = 8
const SAVED_PREFIX_BYTES = 256 * 1_024 * 1_024

/** Whether each process sees one GPU only; without layers on a GPU none is bound. */
export const isOneEach = ({ gpus = 'together', gpuLayers }: Pick<EngineSettings, 'gpus' | 'gpuLayers'>): boolean =>
  gpus === 'each' && gpuLayers > 0

/** Slots of process `index` of `count`; the first ones have one more where they do not divide evenly. */
export const slotsOf = (slots: number, index: number, count: number): number =>
  Math.floor(slots / count) + (index < slots % count ? 1 : 0)

/**
 * The settings of one process. It keeps all the threads, for when it works alone; each process loads the weights, and on
 * CPU they share the mapped pages of the file.
 */
export function shareOf(settings: EngineSettings, index: number, count: number): EngineSettings {
  if (count === 1) return settings
  const { slots, savedPrefixBytes = SAVED_PREFIX_BYTES } = settings
  return {
    ...settings,
    processes: 1,
    slots: slotsOf(slots, index, count),
    savedPrefixBytes: Math.floor(savedPrefixBytes / count),
  }
}

export const processCount = ({ processes = 1, slots }: Pick<EngineSettings, 'processes' | 'slots'>): number =>
  Math.max(1, Math.min(processes, slots, PROCESSES_MAX))

/** Process i gets GPU i mod n of `n`. Error ENGINE_LOAD_FAILED where there is none. */
export function gpuOf(process: number, gpus: readonly EngineGpu[]): number {
  const gpu = gpus[process % Math.max(1, gpus.length)]
  if (gpu === undefined) throw fail('engine.noGpu')
  return gpu.index
}

/** `gpus`: those that the engine can use here; called at a load with one GPU for each process. */
export const localKind = (
  make: (gpu: MemberGpu) => LocalMember,
  gpus: () => Promise<readonly EngineGpu[]> = async () => [],
): PoolKind => ({
  local: true,
  count: processCount,
  async gpus(settings, count) {
    const found = isOneEach(settings) ? await gpus() : null
    return Array.from({ length: count }, (_, index) => (found === null ? null : gpuOf(index, found)))
  },
  make: (_index, gpu) => make(gpu),
  share: shareOf,
})
