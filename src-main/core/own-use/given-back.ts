/**
 * Whether the machine is its owner's: from giving it back until something is loaded again. Kept on disk, because clients of own use ask again and again, and
 * after a restart or a crash one of them would take the memory that its owner has sent Stoker out of.
 */
import type { CoreContext, DeploymentsFace } from '#core/context.ts'

import { clearGivenBack, readGivenBack, writeGivenBack } from './own-use.store.ts'

export interface GivenBack {
  holds(): boolean
  /** Before the engines end: a crash in between must not forget it. */
  remember(): void
  /** Ends listening for loads. */
  stop(): void
}

export function createGivenBack({ rigDb, clock }: Pick<CoreContext, 'rigDb' | 'clock'>, deployments: Pick<DeploymentsFace, 'allLoaded' | 'onChange'>): GivenBack {
  let holds = readGivenBack(rigDb.read)
  const stop = deployments.onChange(() => {
    if (!holds || deployments.allLoaded().length === 0) return
    holds = false
    rigDb.tx((db) => clearGivenBack(db))
  })
  return {
    holds: () => holds,
    remember() {
      rigDb.tx((db) => writeGivenBack(db, clock.now()))
      holds = true
    },
    stop,
  }
}
