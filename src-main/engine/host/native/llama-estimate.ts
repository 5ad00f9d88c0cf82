/** Memory that a model needs with given settings, by the library's dry run; nothing is loaded. */
import { freemem, totalmem } from 'node:os'

import { GgmlType, GgufInsights, readGgufFileInfo, type Llama } from 'node-llama-cpp'

import type { EngineSettings } from '#core/engine/engine.port.ts'

import { llamaInstance } from './llama.ts'
import { EMBED_TOKENS_MAX } from './native-embed.ts'
import { BATCH_TOKENS_DEFAULT, SAVED_PREFIX_BYTES_DEFAULT } from './native-model.ts'

export interface MemoryEstimate {
  neededBytes: number
  freeBytes: number
  totalBytes: number
  supported: boolean
  method: string
}

/** The settings that decide how much memory is needed. */
export type MemorySettings = Pick<EngineSettings, 'contextTokens' | 'slots' | 'gpuLayers'> &
  Partial<
    Pick<EngineSettings, 'processes' | 'kvType' | 'flashAttention' | 'batchTokens' | 'savedPrefixBytes' | 'prefixReuse'>
  >

/** Estimates of one file whose header was read once. */
export type Estimator = (settings: MemorySettings) => Promise<MemoryEstimate>

interface MemoryShares {
  cpuRam: number
  gpuVram: number
}

interface Room {
  neededBytes: number
  freeBytes: number
  totalBytes: number
}

const DRY_RUN_SHARE = 0.25
/** Memory of a further host process without a model: Node and the library. */
const PROCESS_BYTES = 120 * 2 ** 20
const PLAIN_TYPES = [GgmlType.F32, GgmlType.F16, GgmlType.BF16]

const sum = (...parts: MemoryShares[]): MemoryShares => ({
  cpuRam: parts.reduce((all, { cpuRam }) => all + cpuRam, 0),
  gpuVram: parts.reduce((all, { gpuVram }) => all + gpuVram, 0),
})
const times = ({ cpuRam, gpuVram }: MemoryShares, factor: number): MemoryShares => ({
  cpuRam: cpuRam * factor,
  gpuVram: gpuVram * factor,
})

/**
 * Of main and video memory the one with the larger needed share of what is free: room in one does not help in the
 * other.
 */
export function scarcer(main: Room, video: Room): Room {
  const share = ({ neededBytes, freeBytes }: Room): number => neededBytes / Math.max(1, freeBytes)
  return video.neededBytes > 0 && share(video) > share(main) ? video : main
}

/**
 * Saved prefixes are in main memory, up to their bound. Without settings (an import) only the model's own needs are
 * estimated.
 */
const savedPrefixBytesOf = ({
  prefixReuse = false,
  savedPrefixBytes = SAVED_PREFIX_BYTES_DEFAULT,
}: MemorySettings): number => (prefixReuse ? savedPrefixBytes : 0)

/**
 * Estimates main memory, or video memory where that is scarcer; where both are the same memory, their sum. `gpu`: layers
 * may be offloaded.
 */
export async function openEstimator(path: string, gpu: boolean): Promise<Estimator> {
  const llama = await llamaInstance(gpu)
  const info = await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false })
  const insights = await GgufInsights.from(info, llama)
  const embeds = poolsTokens(info.metadata)
  return async (settings) => {
    const video = gpu ? await llama.getVramState() : { free: 0, total: 0, unifiedSize: 0 }
    const freeBytes = Math.min(freemem(), process.availableMemory())
    const { needed, how } = await needs(insights, settings, { freeBytes: freeBytes + video.free, embeds })
    const inMain = needed.cpuRam + (video.unifiedSize > 0 ? needed.gpuVram : 0) + savedPrefixBytesOf(settings)
    const room = scarcer(
      { neededBytes: inMain, freeBytes, totalBytes: totalmem() },
      { neededBytes: needed.gpuVram, freeBytes: video.free, totalBytes: video.total },
    )
    return { ...room, supported: insights.isSupportedByLlamaCpp, method: `${describe(llama, settings)}, ${how}` }
  }
}

/** As openEstimator, for a single estimate. */
export const estimateMemory = async (path: string, settings: MemorySettings): Promise<MemoryEstimate> =>
  (await openEstimator(path, settings.gpuLayers > 0))(settings)

function describe(llama: Llama, { slots, contextTokens, processes = 1, kvType = 'f16' }: MemorySettings): string {
  const details = `${slots} × ${contextTokens} tokens${kvType === 'f16' ? '' : `, ${kvType} cache`}${processes === 1 ? '' : `, ${processes} processes`}`
  return `${llama.gpu === false ? 'CPU' : llama.gpu}, ${details}`
}

/**
 * The dry run takes time with the size of the context (24 s for 64 slots of a million tokens), so it is skipped where
 * the sum from the header already comes near what is free.
 */
async function needs(
  insights: GgufInsights,
  settings: MemorySettings,
  { freeBytes, embeds }: { freeBytes: number; embeds: boolean },
): Promise<{ needed: MemoryShares; how: string }> {
  const {
    contextTokens,
    slots,
    gpuLayers,
    processes = 1,
    kvType = 'f16',
    flashAttention = 'auto',
    batchTokens = BATCH_TOKENS_DEFAULT,
  } = settings
  const sequences = Math.ceil(slots / processes)
  const kind = kvType === 'f16' ? GgmlType.F16 : GgmlType.Q8_0
  const context = {
    contextSize: contextTokens,
    sequences,
    modelGpuLayers: gpuLayers,
    batchSize: batchTokens + sequences,
    kvCacheKeyType: kind,
    kvCacheValueType: kind,
  }
  // The context for embeddings beside it.
  const size = Math.min(EMBED_TOKENS_MAX, contextTokens)
  const contexts = [
    context,
    ...(embeds ? [{ contextSize: size, sequences: 1, modelGpuLayers: gpuLayers, batchSize: size }] : []),
  ]
  const whole = (weights: MemoryShares, ofContexts: MemoryShares[]): MemoryShares =>
    sum(
      times(weights, processes > 1 && !sharesWeights(insights, gpuLayers) ? processes : 1),
      times(sum(...ofContexts), processes),
      {
        cpuRam: PROCESS_BYTES * (processes - 1),
        gpuVram: 0,
      },
    )

  const rough = whole(
    insights.estimateModelResourceRequirements({ gpuLayers }),
    contexts.map((one) =>
      insights.estimateContextResourceRequirements({ ...one, flashAttention: flashAttention !== 'off' }),
    ),
  )
  if (!insights.isSupportedByLlamaCpp || rough.cpuRam + rough.gpuVram > freeBytes * DRY_RUN_SHARE)
    return { needed: rough, how: 'summed from the header' }
  const [weights, ...ofContexts] = await Promise.all([
    insights.estimateModelResourceRequirementsV2({ gpuLayers }),
    ...contexts.map((one) =>
      insights.estimateContextResourceRequirementsV2({
        ...one,
        flashAttention: flashAttention === 'auto' ? 'auto' : flashAttention === 'on',
      }),
    ),
  ])
  return { needed: whole(weights, ofContexts), how: 'dry run of the engine' }
}

/** True when the file names a pooling type; a model without one gives no embeddings. */
export function poolsTokens(metadata: { general: { architecture: string } }): boolean {
  const keys = metadata as unknown as Record<string, { pooling_type?: number } | undefined>
  return (keys[metadata.general.architecture]?.pooling_type ?? 0) > 0
}

/**
 * Processes share the mapped pages of the file, but not weights that the CPU backend repacks (q4 types; q8_0 on ARM
 * too), nor weights on a GPU. In doubt they share nothing.
 */
function sharesWeights(insights: GgufInsights, gpuLayers: number): boolean {
  const { dominantTensorType } = insights
  if (gpuLayers > 0 || dominantTensorType === undefined) return false
  return PLAIN_TYPES.includes(dominantTensorType) || (dominantTensorType === GgmlType.Q8_0 && process.arch === 'x64')
}
