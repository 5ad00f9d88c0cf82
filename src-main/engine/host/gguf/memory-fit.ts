/**
 * Checks before a load that it fits into free memory: Linux overcommits memory and kills a process later. Offers the
 * next smaller settings that would fit.
 */
import { fail, StokerError } from '#contract/errors.ts'
import type { EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'

import type { Estimator } from '../native/llama-estimate.ts'

interface SmallerSettings {
  slots: number
  contextTokens: number
}

/** The offer uses this share of the free memory: an estimate is no promise. */
const OFFER_SHARE = 0.9
/** At or below this much context, slots are reduced first. */
const CONTEXT_FIRST = 2_048
const CONTEXT_MIN = 256
/** After a load failed although it seemed to fit, only this share of the memory is taken as available. */
const DISTRUST = 0.75
/** 64 slots and a million tokens are halved 18 times at most. */
const HALVINGS_MAX = 20

/**
 * Half the memory: slots and context in turns, so that neither reaches its minimum while the other is large. Null when
 * both are at their minimum.
 */
function halved({ slots, contextTokens }: SmallerSettings, turn: number): SmallerSettings | null {
  const fewer = slots > 1 ? { slots: Math.ceil(slots / 2), contextTokens } : null
  const half = Math.max(CONTEXT_MIN, Math.floor(contextTokens / 2 / CONTEXT_MIN) * CONTEXT_MIN)
  const shorter = half < contextTokens ? { slots, contextTokens: half } : null
  if (contextTokens <= CONTEXT_FIRST) return fewer ?? shorter
  return turn % 2 === 0 ? (fewer ?? shorter) : (shorter ?? fewer)
}

/**
 * The first of ever smaller settings that should fit into `freeBytes`; null when not even the smallest does. `needed`
 * in bytes.
 */
export async function nextSmaller(
  settings: EngineSettings,
  freeBytes: number,
  needed: (settings: EngineSettings) => Promise<number>,
): Promise<SmallerSettings | null> {
  let candidate: SmallerSettings = { slots: settings.slots, contextTokens: settings.contextTokens }
  for (let turn = 0; turn < HALVINGS_MAX; turn += 1) {
    const next = halved(candidate, turn)
    if (next === null) return null
    candidate = next
    if ((await needed({ ...settings, ...candidate })) <= freeBytes * OFFER_SHARE) return candidate
  }
  return null
}

const GIB = 2 ** 30

/** Its data holds the next smaller setting (`slots`, `contextTokens`) if there is one. */
async function outOfMemoryError(
  settings: EngineSettings,
  estimator: Estimator,
  { trusted }: { trusted: boolean },
): Promise<StokerError> {
  const { neededBytes, freeBytes } = await estimator(settings)
  const room = trusted ? freeBytes : Math.min(freeBytes, neededBytes) * DISTRUST
  const smaller = await nextSmaller(settings, room, async (candidate) => {
    // For these settings another kind of memory may be the scarce one.
    const estimate = await estimator(candidate)
    return estimate.neededBytes * (freeBytes / Math.max(1, estimate.freeBytes))
  })
  // Taken by something else between the estimate and the load (another process that wanted the last of it too), or the
  // driver needs more than was estimated.
  return fail(
    trusted ? 'engine.noMemory' : 'engine.memoryTaken',
    {
      slots: settings.slots,
      contextTokens: settings.contextTokens,
      needed: neededBytes / GIB,
      free: freeBytes / GIB,
      smallerSlots: smaller?.slots ?? 0,
      smallerContext: smaller?.contextTokens ?? 0,
    },
    { data: { neededBytes, freeBytes, ...smaller } },
  )
}

interface FitDeps {
  inspect: () => Promise<ModelInspection>
  openEstimator: () => Promise<Estimator>
}

/**
 * Loads after the file was inspected and if it fits. Errors: ENGINE_OUT_OF_MEMORY (data: neededBytes, freeBytes, and slots and
 * contextTokens where a smaller setting fits), MODEL_TOO_BIG, and those of `inspect` and `load`.
 */
export async function loadFitting<T>(
  settings: EngineSettings,
  { inspect, openEstimator }: FitDeps,
  load: () => Promise<T>,
): Promise<T> {
  const tooBig = await inspect().then(
    ({ memory }) => (memory.fits === 'no' ? 'now' : null),
    (error: unknown) => {
      // Too big for the whole machine with these settings; perhaps not with smaller ones.
      if (error instanceof StokerError && error.code === 'MODEL_TOO_BIG') return error
      throw error
    },
  )
  if (tooBig !== null) {
    const refusal = await outOfMemoryError(settings, await openEstimator(), { trusted: true })
    throw tooBig !== 'now' && refusal.data['slots'] === undefined ? tooBig : refusal
  }
  try {
    return await load()
  } catch (error) {
    if (
      !(error instanceof StokerError) ||
      error.code !== 'ENGINE_OUT_OF_MEMORY' ||
      typeof error.data['slots'] === 'number'
    )
      throw error
    throw await outOfMemoryError(settings, await openEstimator(), { trusted: false })
  }
}
