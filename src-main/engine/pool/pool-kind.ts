/** What differs between a pool of local processes and one of remote endpoints. */
import type { EngineSettings } from '#core/engine/engine.port.ts'

import type { MemberEngine } from './member-engine.ts'

/**
 * The only GPU that a member's process sees, as the engine counts them; null where it sees all of them, or is remote.
 */
export type MemberGpu = number | null

export interface PoolKind {
  /** Local processes share the threads of one machine and restart by themselves; jobs wait for that. */
  local: boolean
  /** Number of members for these settings, at least 1. */
  count(settings: EngineSettings): number
  /**
   * The GPU of each of `count` members; without this method no member is bound to one. Errors: ENGINE_LOAD_FAILED where there is no
   * GPU to bind to.
   */
  gpus?(settings: EngineSettings, count: number): Promise<MemberGpu[]>
  make(index: number, gpu: MemberGpu): MemberEngine
  /** The settings with which member `index` of `count` is loaded. */
  share(settings: EngineSettings, index: number, count: number): EngineSettings
}
