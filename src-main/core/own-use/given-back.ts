/**
 * Whether the machine is its owner's: from giving it back until something is loaded again. Kept on disk, because
 * clients of own use ask again and again, and after a restart or a crash one of them would take the memory that its
 * owner has sent Stoker out of.
 */
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import { clearAllWanted } from '#core/deployments/index.ts'

import { clearGivenBack, readGivenBack, writeGivenBack } from './own-use.store.ts'

export interface GivenBack {
  holds(): boolean
  /**
   * Before the engines end: a crash in between must not forget it. In the same transaction nothing is wanted in memory
   * any more, whatever it waits for. Throws where it cannot be stored, and holds until a restart then.
   */
  remember(): void
  /** Ends listening for loads. */
  stop(): void
}

export function createGivenBack(
  { rigDb, clock, log }: Pick<CoreContext, 'rigDb' | 'clock' | 'log'>,
  deployments: Pick<DeploymentsService, 'allLoaded' | 'onChange'>,
): GivenBack {
  let holds = readGivenBack(rigDb.read)
  const stop = deployments.onChange(() => {
    if (!holds || deployments.allLoaded().length === 0) return
    holds = false
    try {
      rigDb.tx((db) => clearGivenBack(db))
    } catch (error) {
      // The load that this change reports succeeded, and must not look failed.
      log.error(
        { err: error },
        'it could not be stored that something is loaded again: after a restart the machine counts as given back',
      )
    }
  })
  return {
    holds: () => holds,
    remember() {
      holds = true
      rigDb.tx((db) => {
        writeGivenBack(db, clock.now())
        clearAllWanted(db)
      })
    },
    stop,
  }
}
