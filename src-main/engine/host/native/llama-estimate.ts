/** What a model with these settings would need, by the library's dry run; nothing is loaded. */
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

/** The settings that decide about memory. */
export type MemoryWish = Pick<EngineSettings, 'contextTokens' | 'slots' | 'gpuLayers'> &
  Partial<
    Pick<EngineSettings, 'processes' | 'kvType' | 'flashAttention' | 'batchTokens' | 'savedPrefixBytes' | 'prefixReuse'>
  >

/** Estimates of one file whose header was read once. */
export type Estimator = (wish: MemoryWish) => Promise<MemoryEstimate>

interface Parts {
  cpuRam: number
  gpuVram: number
}

interface Room {
  neededBytes: number
  freeBytes: number
  totalBytes: number
}

const DRY_RUN_SHARE = 0.25
/** What a further host process takes without a model: Node and the library. */
const PROCESS_BYTES = 120 * 2 ** 20
const PLAIN_TYPES = [GgmlType.F32, GgmlType.F16, GgmlType.BF16]

const sum = (...parts: Parts[]): Parts => ({
  cpuRam: parts.reduce((all, { cpuRam }) => all + cpuRam, 0),
  gpuVram: parts.reduce((all, { gpuVram }) => all + gpuVram, 0),
})
const times = ({ cpuRam, gpuVram }: Parts, factor: number): Parts => ({
  cpuRam: cpuRam * factor,
  gpuVram: gpuVram * factor,
})

/**
 * Of main and video memory the one of which a larger part of what is free is needed: what is free in one is no help in
 * the other.
 */
export function scarcer(main: Room, video: Room): Room {
  const share = ({ neededBytes, freeBytes }: Room): number => neededBytes / Math.max(1, freeBytes)
  return video.neededBytes > 0 && share(video) > share(main) ? video : main
}

/**
 * Parked prefixes lie in main memory up to their bound. Without settings (an import) the model's own needs are asked
 * for.
 */
const savedPrefixBytesOf = ({
  prefixReuse = false,
  savedPrefixBytes = SAVED_PREFIX_BYTES_DEFAULT,
}: MemoryWish): number => (prefixReuse ? savedPrefixBytes : 0)

/**
 * Of main memory, or of video memory where that is scarcer; where both are one, of their sum. `gpu`: layers may lie
 * there.
 */
export async function openEstimator(path: string, gpu: boolean): Promise<Estimator> {
  const llama = await llamaInstance(gpu)
  const info = await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false })
  const insights = await GgufInsights.from(info, llama)
  const embeds = poolsTokens(info.metadata)
  return async (wish) => {
    const video = gpu ? await llama.getVramState() : { free: 0, total: 0, unifiedSize: 0 }
    const freeBytes = Math.min(freemem(), process.availableMemory())
    const { needed, how } = await needs(insights, wish, { freeBytes: freeBytes + video.free, embeds })
    const inMain = needed.cpuRam + (video.unifiedSize > 0 ? needed.gpuVram : 0) + savedPrefixBytesOf(wish)
    const room = scarcer(
      { neededBytes: inMain, freeBytes, totalBytes: totalmem() },
      { neededBytes: needed.gpuVram, freeBytes: video.free, totalBytes: video.total },
    )
    return { ...room, supported: insights.isSupportedByLlamaCpp, method: `${describe(llama, wish)}, ${how}` }
  }
}

/** As openEstimator, for one answer. */
export const estimateMemory = async (path: string, wish: MemoryWish): Promise<MemoryEstimate> =>
  (await openEstimator(path, wish.gpuLayers > 0))(wish)

function describe(llama: Llama, { slots, contextTokens, processes = 1, kvType = 'f16' }: MemoryWish): string {
  const details = `${slots} × ${contextTokens} tokens${kvType === 'f16' ? '' : `, ${kvType} cache`}${processes === 1 ? '' : `, ${processes} processes`}`
  return `${llama.gpu === false ? 'CPU' : llama.gpu}, ${details}`
}

/**
 * The dry run works with the context's real size (24 s for 64 slots of a million tokens), so it is left out where the
 * sum alone comes near what is free.
 */
async function needs(
  insights: GgufInsights,
  wish: MemoryWish,
  { freeBytes, embeds }: { freeBytes: number; embeds: boolean },
): Promise<{ needed: Parts; how: string }> {
  const {
    contextTokens,
    slots,
    gpuLayers,
    processes = 1,
    kvType = 'f16',
    flashAttention = 'auto',
    batchTokens = BATCH_TOKENS_DEFAULT,
  } = wish
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
  // The one that is made beside it for embeddings.
  const size = Math.min(EMBED_TOKENS_MAX, contextTokens)
  const contexts = [
    context,
    ...(embeds ? [{ contextSize: size, sequences: 1, modelGpuLayers: gpuLayers, batchSize: size }] : []),
  ]
  const whole = (weights: Parts, ofContexts: Parts[]): Parts =>
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

/** How the file says that token vectors become one; a model without it makes no embeddings. */
export function poolsTokens(metadata: { general: { architecture: string } }): boolean {
  const keys = metadata as unknown as Record<string, { pooling_type?: number } | undefined>
  return (keys[metadata.general.architecture]?.pooling_type ?? 0) > 0
}

/**
 * Processes share the file's pages, but not what the CPU backend rewrites for its own order of blocks (q4 and its like;
 * q8_0 on ARM too), nor what lies on a GPU. When in doubt they do not.
 */
function sharesWeights(insights: GgufInsights, gpuLayers: number): boolean {
  const { dominantTensorType } = insights
  if (gpuLayers > 0 || dominantTensorType === undefined) return false
  return PLAIN_TYPES.includes(dominantTensorType) || (dominantTensorType === GgmlType.Q8_0 && process.arch === 'x64')
}
