/**
 * The silent spill: where a card's own memory is full, Windows and Linux put parts of a model into main memory and say
 * nothing; it goes on, many times slower. What tells is the shared part of the engine's own processes, rising while they
 * serve. Decisions on plain values.
 */
import type { EpochMs } from '#contract/time.ts'

import type { SensedDevice } from './sensors.port.ts'

/** More than this over the least since the load, and more than the share of what lies on the card. */
const RISE_BYTES_MIN = 128 * 1_048_576
const RISE_SHARE = 0.05
/** So many samples in a row. */
export const SPILL_SAMPLES = 2

/** A deployment whose memory is counted. */
export interface SpillSample {
  deploymentId: string
  /** Its processes; others are another load, which begins anew. */
  life: string
  ownBytes: number
  sharedBytes: number
  isServing: boolean
}
interface Counted {
  life: string
  least: number
  over: number
  /** When it was last seen without a rise. */
  calmAt: EpochMs
}
export type SpillState = ReadonlyMap<string, Counted>

export interface Spill {
  deploymentId: string
  /** Above the least since the load. */
  bytes: number
  /** What was measured after this is not to be believed. */
  since: EpochMs
}

/** What the processes hold on all cards; null where nobody counts their shared part. */
export function sampleOf(
  deployment: { deploymentId: string; pids: readonly number[]; isServing: boolean },
  devices: readonly SensedDevice[],
): SpillSample | null {
  const pids = new Set(deployment.pids)
  const mine = devices.flatMap(({ users }) => users ?? []).filter(({ pid }) => pids.has(pid))
  const counted = mine.filter(({ sharedBytes }) => sharedBytes !== null)
  if (counted.length === 0) return null
  const { deploymentId, isServing } = deployment
  return {
    deploymentId,
    life: [...pids].toSorted((a, b) => a - b).join(' '),
    ownBytes: mine.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    sharedBytes: counted.reduce((sum, { sharedBytes }) => sum + (sharedBytes ?? 0), 0),
    isServing,
  }
}

const riseOf = ({ ownBytes, sharedBytes }: SpillSample, least: number): number => {
  const rise = sharedBytes - least
  return rise > Math.max(RISE_BYTES_MIN, ownBytes * RISE_SHARE) ? rise : 0
}

/** One more sample of each that could be counted; what is not in memory any more is forgotten. */
export function spillStep(
  state: SpillState,
  { samples, inMemory, now }: { samples: readonly SpillSample[]; inMemory: ReadonlySet<string>; now: EpochMs },
): { state: SpillState; spills: Spill[] } {
  const next = new Map([...state].filter(([deploymentId]) => inMemory.has(deploymentId)))
  const spills: Spill[] = []
  for (const sample of samples) {
    const { deploymentId, life, sharedBytes, isServing } = sample
    const known = state.get(deploymentId)
    if (known === undefined || known.life !== life) {
      next.set(deploymentId, { life, least: sharedBytes, over: 0, calmAt: now })
      continue
    }
    const rise = riseOf(sample, known.least)
    // What began while it served goes on counting when it rests: the part does not come back by that.
    const over = rise === 0 ? 0 : isServing || known.over > 0 ? known.over + 1 : 0
    next.set(deploymentId, {
      life,
      least: Math.min(known.least, sharedBytes),
      over,
      calmAt: rise === 0 ? now : known.calmAt,
    })
    if (over >= SPILL_SAMPLES) spills.push({ deploymentId, bytes: rise, since: known.calmAt })
  }
  return { state: next, spills }
}

/** How much of it lies in main memory above the least since its load; null where nobody counts it. */
export function spilledBytes(state: SpillState, sample: SpillSample | null): number | null {
  if (sample === null) return null
  const known = state.get(sample.deploymentId)
  return known === undefined || known.life !== sample.life ? 0 : riseOf(sample, known.least)
}
