/** What differs between a pool of local processes and one of remote endpoints. */
import type { EngineSettings } from '#core/engine/engine.port.ts'

import type { PoolMember } from './pool-member.ts'

/**
 * The only GPU a member's process sees, as the engine counts them; null where it sees all there are, or has none of
 * this machine's.
 */
export type MemberGpu = number | null

export interface PoolKind {
  /** Local processes share one machine's threads, come back by themselves and are waited for. */
  local: boolean
  /** How many members these settings want; at least 1. */
  count(settings: EngineSettings): number
  /**
   * The GPU of each of `count` members; without it none is bound to one. Errors: ENGINE_LOAD_FAILED where there is no
   * GPU to bind to.
   */
  gpus?(settings: EngineSettings, count: number): Promise<MemberGpu[]>
  make(index: number, gpu: MemberGpu): PoolMember
  /** What member `index` of `count` is loaded with. */
  share(settings: EngineSettings, index: number, count: number): EngineSettings
}
