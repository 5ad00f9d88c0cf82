/**
 * One of the engines a pool shares its jobs out to: a local host process (client.ts) or a remote endpoint
 * (remote/member.ts).
 */
import type { EnginePort } from '#core/engine/engine.port.ts'

export interface PoolMember extends EnginePort {
  /** Most threads of the steps from now on; nothing for members that have none of this machine's. */
  setThreadLimit?(threads: number): void
  /** Jobs it takes at once right now, below its slots while it asked for a pause; without it, its slots. */
  capacity?(): number
}
