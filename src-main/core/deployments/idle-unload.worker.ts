/** Unloads what was idle for as long as its owner said; what is listed, examined or working never is idle. */
import type { DeploymentId } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/context.ts'

import type { Holder } from './holder.ts'

/** The shortest time an owner can say is a minute. */
const LOOK_EVERY_MS = 15 * SECOND_MS

export interface IdleUnload {
  start(): void
  stop(): void
}

export function createIdleUnload({ clock, log }: Pick<CoreContext, 'clock' | 'log'>, holder: Holder, idleUnloadMsOf: (deploymentId: DeploymentId) => number | null): IdleUnload {
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    for (const deploymentId of holder.heldIds()) {
      // Asked of all: whoever works now was used now.
      const idle = holder.idleFor(deploymentId)
      const most = idleUnloadMsOf(deploymentId)
      if (idle === null || most === null || idle < most) continue
      if (await holder.dropIdle(deploymentId, most)) log.info({ deploymentId, idleMs: idle }, 'an idle model was unloaded')
    }
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, { signal: stopping.signal, unref: true }).catch(() => undefined)
      if (!stopping.signal.aborted) await look().catch((error: unknown) => log.warn({ err: error }, 'an idle model could not be unloaded'))
    }
  }
  return { start: () => void loop(), stop: () => stopping.abort(new Error('stopped')) }
}
