/**
 * The engine of one pool member: a local host process (client/engine-client.ts) or a remote endpoint
 * (remote/remote-member.ts).
 */
import type { EnginePort } from '#core/engine/engine.port.ts'

export interface MemberEngine extends EnginePort {
  /** Most threads of the steps from now on; missing where the engine uses no threads of this machine. */
  setThreadLimit?(threads: number): void
  /** Jobs it takes at once now: fewer than its slots while the server asked for a pause. Its slots where missing. */
  capacity?(): number
}
