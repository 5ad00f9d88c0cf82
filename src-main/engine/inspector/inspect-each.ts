/**
 * Memory of a load where every process has one GPU: each GPU is inspected in a host bound to it, and the tightest one
 * counts.
 */
import type { EngineGpu, EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'

import { gpuOf, processCount, slotsOf } from '../pool/local-pool.ts'

type Settings = Partial<EngineSettings>

/**
 * For each GPU the settings of all its processes together. The last GPUs have fewer processes where they do not divide
 * evenly.
 */
export function sharesOf(settings: Settings, gpus: readonly EngineGpu[]): { gpu: number; settings: Settings }[] {
  const { slots = 1, processes = 1 } = settings
  const count = processCount({ slots, processes })
  const shares = new Map<number, { processes: number; slots: number }>()
  for (let process = 0; process < count; process += 1) {
    const gpu = gpuOf(process, gpus)
    const { processes: before, slots: taken } = shares.get(gpu) ?? { processes: 0, slots: 0 }
    shares.set(gpu, { processes: before + 1, slots: taken + slotsOf(slots, process, count) })
  }
  return [...shares].map(([gpu, share]) => ({ gpu, settings: { ...settings, ...share } }))
}

const ORDER = ['no', 'tight', 'yes'] as const
const share = ({ memory }: ModelInspection): number => memory.neededBytes / Math.max(1, memory.freeBytes)

/** The one that fits worst. `inspections` has at least one. */
export function tightest(inspections: readonly ModelInspection[]): ModelInspection {
  const [worst] = inspections.toSorted(
    (a, b) => ORDER.indexOf(a.memory.fits) - ORDER.indexOf(b.memory.fits) || share(b) - share(a),
  )
  if (worst === undefined) throw new RangeError('nothing was inspected')
  const { memory } = worst
  return inspections.length === 1
    ? worst
    : { ...worst, memory: { ...memory, method: `${memory.method}, on the tightest of ${inspections.length} GPUs` } }
}
