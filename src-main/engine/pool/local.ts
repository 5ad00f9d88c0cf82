/** A pool of local host processes: slots and parked memory are shared out when they load, threads while they work. */
import type { EngineSettings } from '#core/engine/engine.port.ts'

import type { LocalMember } from '../client.ts'
import type { PoolKind } from './pool.ts'

const PROCESSES_MAX = 8
const PARKED_BYTES = 256 * 1_024 * 1_024

/** Every process may come to use all the threads, while it works alone; each has the weights, and on CPU they share the file's pages. */
export function shareOf(settings: EngineSettings, index: number, count: number): EngineSettings {
  if (count === 1) return settings
  const { slots, parkedBytes = PARKED_BYTES } = settings
  return { ...settings, processes: 1, slots: Math.floor(slots / count) + (index < slots % count ? 1 : 0), parkedBytes: Math.floor(parkedBytes / count) }
}

export const localKind = (make: () => LocalMember): PoolKind => ({
  local: true,
  count: ({ processes = 1, slots }) => Math.max(1, Math.min(processes, slots, PROCESSES_MAX)),
  make,
  share: shareOf,
})
