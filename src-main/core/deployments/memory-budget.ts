/**
 * Whether a load fits into what is free now, and what is evicted for it: idle deployments, least recently used first;
 * never a listed, examined or working one.
 */
import { fail, StokerError } from '#contract/errors.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import type { StoredModel } from '#core/models/index.ts'

import { offers, type DeploymentSettings } from './deployments.ts'

/** Up to this share of the free memory a load fits without asking the engine for its own estimate. */
const SURELY_SHARE = 0.25
/** What a stored model's need was estimated for at most. */
const STORED_CONTEXT = 4_096

/** An idle deployment that may be unloaded for another. */
export interface EvictionCandidate {
  deploymentId: DeploymentId
  sha256: string
  /** What its eviction gives back at most; Infinity where nobody knows (a GPU's memory). */
  bytes: number
}

export interface MemoryBudgetDeps {
  engines: Pick<EnginesPort, 'inspect'>
  /** Free main memory now, in bytes. */
  freeBytes(): number
  /** Least recently used first. */
  candidates(): EvictionCandidate[]
  /** Names of those in memory that cannot be evicted; remote ones take none. */
  namesInUse(): string[]
  evict(deploymentId: DeploymentId): Promise<void>
}

interface FitEstimate {
  fits: 'yes' | 'tight' | 'no'
  neededBytes: number
  freeBytes: number
  /** More than the machine has at all: `freeBytes` then is all of it. */
  tooBig: boolean
}

const GIB = 2 ** 30

/** Without a GPU and far below what is free: no host process has to be asked. */
export function surelyFits(
  model: StoredModel,
  { gpuLayers, slots, contextTokens }: DeploymentSettings,
  freeBytes: number,
): boolean {
  if (gpuLayers > 0) return false
  const longer = Math.max(1, contextTokens / Math.min(STORED_CONTEXT, model.contextTokens ?? STORED_CONTEXT))
  return model.neededBytes * slots * longer <= freeBytes * SURELY_SHARE
}

/**
 * The engine's estimate; null when it cannot say, and then the load itself will. Larger than the whole machine counts
 * as `no`.
 */
async function estimate(
  { engines }: MemoryBudgetDeps,
  model: StoredModel,
  settings: DeploymentSettings,
): Promise<FitEstimate | null> {
  try {
    return { ...(await engines.inspect(model.path, settings)).memory, tooBig: false }
  } catch (error) {
    if (!(error instanceof StokerError) || !error.code.startsWith('MODEL_')) return null
    if (error.code !== 'MODEL_TOO_BIG') throw error
    const { neededBytes, totalBytes } = error.data
    return {
      fits: 'no',
      neededBytes: typeof neededBytes === 'number' ? neededBytes : 0,
      freeBytes: typeof totalBytes === 'number' ? totalBytes : 0,
      tooBig: true,
    }
  }
}

/**
 * Evicts idle ones, other settings of the same model first, until the load fits; none where all of them together would
 * not be enough. The last estimate; null when the engine could not say.
 */
export async function evictUntilFits(
  deps: MemoryBudgetDeps,
  model: StoredModel,
  settings: DeploymentSettings,
): Promise<FitEstimate | null> {
  let memory = await estimate(deps, model, settings)
  if (memory?.fits !== 'no' || memory.tooBig) return memory
  const candidates = deps.candidates()
  if (memory.neededBytes > memory.freeBytes + candidates.reduce((sum, { bytes }) => sum + bytes, 0)) return memory
  for (const { deploymentId } of candidates.toSorted(
    (a, b) => Number(b.sha256 === model.sha256) - Number(a.sha256 === model.sha256),
  )) {
    await deps.evict(deploymentId)
    memory = await estimate(deps, model, settings)
    if (memory?.fits !== 'no') break
  }
  return memory
}

/**
 * Evicts until the load fits, or refuses; other settings of the same model are evicted in any case when it fits. Errors: ENGINE_OUT_OF_MEMORY
 * (`data`: the next smaller setting that fits, where there is one), MODEL_*.
 */
export async function ensureFits(
  deps: MemoryBudgetDeps,
  model: StoredModel,
  settings: DeploymentSettings,
): Promise<void> {
  const memory = surelyFits(model, settings, deps.freeBytes()) ? null : await evictUntilFits(deps, model, settings)
  if (memory?.fits !== 'no') {
    for (const { deploymentId, sha256 } of deps.candidates())
      if (sha256 === model.sha256) await deps.evict(deploymentId)
    return
  }
  const offer = await firstThatFits(deps, model, settings)
  const others = deps.namesInUse()
  const data = offer === null ? {} : { slots: offer.slots, contextTokens: offer.contextTokens }
  throw fail(
    'memory.notEnough',
    {
      slots: settings.slots,
      contextTokens: settings.contextTokens,
      each: settings.gpus === 'each' ? 'yes' : 'no',
      needed: memory.neededBytes / GIB,
      limit: memory.tooBig ? 'machine' : 'free',
      free: memory.freeBytes / GIB,
      others: others.length,
      names: others.join(', '),
      smallerSlots: offer?.slots ?? 0,
      smallerContext: offer?.contextTokens ?? 0,
    },
    { data },
  )
}

async function firstThatFits(
  deps: MemoryBudgetDeps,
  model: StoredModel,
  settings: DeploymentSettings,
): Promise<DeploymentSettings | null> {
  for (const smaller of offers(settings)) {
    const memory = await estimate(deps, model, smaller)
    if (memory !== null && memory.fits !== 'no') return smaller
  }
  return null
}
