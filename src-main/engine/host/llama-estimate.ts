/** What a model with these settings would need, by the library's dry run; nothing is loaded. */
import { freemem, totalmem } from 'node:os'

import { GgmlType, GgufInsights, readGgufFileInfo, type Llama } from 'node-llama-cpp'

import type { EngineSettings } from '#core/engine/engine.port.ts'

import { llamaInstance } from './llama.ts'
import { BATCH_TOKENS_DEFAULT } from './native-model.ts'

export interface MemoryEstimate {
  neededBytes: number
  freeBytes: number
  totalBytes: number
  supported: boolean
  method: string
}

/** The settings that decide about memory. */
export type MemoryWish = Pick<EngineSettings, 'contextTokens' | 'slots' | 'gpuLayers'> & Partial<Pick<EngineSettings, 'processes' | 'kvType' | 'flashAttention' | 'batchTokens'>>

/** Estimates of one file whose header was read once. */
export type Estimator = (wish: MemoryWish) => Promise<MemoryEstimate>

interface Parts {
  cpuRam: number
  gpuVram: number
}

const DRY_RUN_SHARE = 0.25
/** What a further host process takes without a model: Node and the library. */
const PROCESS_BYTES = 120 * 2 ** 20
const PLAIN_TYPES = [GgmlType.F32, GgmlType.F16, GgmlType.BF16]

const total = (...parts: Parts[]): number => parts.reduce((sum, part) => sum + part.cpuRam + part.gpuVram, 0)

/** Main memory and video memory are added: a rough answer to "does it fit" before the load gives the exact one. `gpu`: layers may lie there. */
export async function openEstimator(path: string, gpu: boolean): Promise<Estimator> {
  const llama = await llamaInstance(gpu)
  const insights = await GgufInsights.from(await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false }), llama)
  return async (wish) => {
    const video = gpu ? await llama.getVramState() : { free: 0, total: 0 }
    const freeBytes = Math.min(freemem(), process.availableMemory()) + video.free
    const { neededBytes, how } = await needs(insights, wish, freeBytes)
    return { neededBytes, freeBytes, totalBytes: totalmem() + video.total, supported: insights.isSupportedByLlamaCpp, method: `${describe(llama, wish)}, ${how}` }
  }
}

/** As openEstimator, for one answer. */
export const estimateMemory = async (path: string, wish: MemoryWish): Promise<MemoryEstimate> => (await openEstimator(path, wish.gpuLayers > 0))(wish)

function describe(llama: Llama, { slots, contextTokens, processes = 1, kvType = 'f16' }: MemoryWish): string {
  const details = `${slots} × ${contextTokens} tokens${kvType === 'f16' ? '' : `, ${kvType} cache`}${processes === 1 ? '' : `, ${processes} processes`}`
  return `${llama.gpu === false ? 'CPU' : llama.gpu}, ${details}`
}

/** The dry run works with the context's real size (24 s for 64 slots of a million tokens), so it is left out where the sum alone comes near what is free. */
async function needs(insights: GgufInsights, wish: MemoryWish, freeBytes: number): Promise<{ neededBytes: number; how: string }> {
  const { contextTokens, slots, gpuLayers, processes = 1, kvType = 'f16', flashAttention = 'auto', batchTokens = BATCH_TOKENS_DEFAULT } = wish
  const sequences = Math.ceil(slots / processes)
  const kind = kvType === 'f16' ? GgmlType.F16 : GgmlType.Q8_0
  const context = { contextSize: contextTokens, sequences, modelGpuLayers: gpuLayers, batchSize: batchTokens + sequences, kvCacheKeyType: kind, kvCacheValueType: kind }
  const whole = (weights: number, contextBytes: number): number =>
    weights * (processes > 1 && !sharesWeights(insights, gpuLayers) ? processes : 1) + contextBytes * processes + PROCESS_BYTES * (processes - 1)

  const rough = whole(
    total(insights.estimateModelResourceRequirements({ gpuLayers })),
    total(insights.estimateContextResourceRequirements({ ...context, flashAttention: flashAttention !== 'off' })),
  )
  if (!insights.isSupportedByLlamaCpp || rough > freeBytes * DRY_RUN_SHARE) return { neededBytes: rough, how: 'summed from the header' }
  const exact = await Promise.all([
    insights.estimateModelResourceRequirementsV2({ gpuLayers }),
    insights.estimateContextResourceRequirementsV2({ ...context, flashAttention: flashAttention === 'auto' ? 'auto' : flashAttention === 'on' }),
  ])
  return { neededBytes: whole(total(exact[0]), total(exact[1])), how: 'dry run of the engine' }
}

/** Processes share the file's pages, but not what the CPU backend rewrites for its own order of blocks (q4 and its like; q8_0 on ARM too), nor what lies on a GPU. When in doubt they do not. */
function sharesWeights(insights: GgufInsights, gpuLayers: number): boolean {
  const { dominantTensorType } = insights
  if (gpuLayers > 0 || dominantTensorType === undefined) return false
  return PLAIN_TYPES.includes(dominantTensorType) || (dominantTensorType === GgmlType.Q8_0 && process.arch === 'x64')
}
