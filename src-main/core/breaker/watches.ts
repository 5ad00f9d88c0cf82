/** Causes that nobody reports by himself, and those of the disks in the breaker's words. */
import type { DeploymentsService } from '#core/core-context.ts'
import { SILENT_MS } from '#core/deployments/index.ts'
import type { Storage, StorageTrouble } from '#core/storage/index.ts'

import type { BreakerReport } from './breaker.port.ts'

export interface WatchDeps {
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine' | 'broken'>
}

/** At once, from what the engines say of themselves. */
export const silentEngines = ({ deployments }: WatchDeps): BreakerReport[] =>
  deployments.allLoaded().flatMap(({ deploymentId }) => {
    const silentMs = deployments.engine(deploymentId)?.stats().silentMs ?? 0
    return silentMs < SILENT_MS ? [] : [{ kind: 'silent-engine' as const, deploymentId, silentMs }]
  })

/** Their crashes may have ended no job, so that nobody counted them. */
export const brokenEngines = ({ deployments }: WatchDeps): BreakerReport[] =>
  deployments.broken().map(({ deploymentId, reason }) => ({ kind: 'broken-engine', deploymentId, found: reason }))

/** Which of the two it is says what the self-check will ask: one file that is gone concerns all. */
export function ofTheDisk({ venueId, reason }: StorageTrouble, storage: Pick<Storage, 'gone'>): BreakerReport {
  const path = storage.gone()
  return path === null ? { kind: 'books-not-writable', venueId, trouble: reason } : { kind: 'folder-gone', path }
}
