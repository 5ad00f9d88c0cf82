/** Looks for causes that nobody reports by himself: a silent engine, a folder that went, books that cannot be written. */
import { existsSync } from 'node:fs'

import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import { SILENT_MS } from '#core/deployments/index.ts'

import type { BreakerReport } from './breaker.port.ts'
import { firstGone, holdsKey, identitiesOf, writeProblem } from './look-at-files.ts'

export interface WatchDeps {
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine'>
  /** Databases by the venue they are of; null for the machine's own. */
  books: readonly { venueId: VenueContext['venueId'] | null; path: string }[]
  /** The file of the key this rig sells under. */
  sellerKey: { path: string; publicKey: string }
}

/** At once, from what the engines say of themselves. */
export const silentEngines = ({ deployments }: Pick<WatchDeps, 'deployments'>): BreakerReport[] =>
  deployments.allLoaded().flatMap(({ deploymentId }) => {
    const silentMs = deployments.engine(deploymentId)?.stats().silentMs ?? 0
    return silentMs < SILENT_MS ? [] : [{ kind: 'silent-engine' as const, deploymentId, silentMs }]
  })

export interface FolderWatch {
  /** The first of the opened databases that is gone or another file; null when all are there. */
  gone(this: void): Promise<string | null>
  /** The path of the seller's key where it was there and is not now; null when it stands. */
  keyGone(this: void): Promise<string | null>
  /** Books that could not be written, a folder and a key that are gone. */
  look(): Promise<BreakerReport[]>
}

/** From now on: all databases were just opened. */
export function watchFolder({ books, sellerKey }: Pick<WatchDeps, 'books' | 'sellerKey'>): FolderWatch {
  const opened = identitiesOf(books.map(({ path }) => path))
  const gone = (): Promise<string | null> => firstGone(opened)
  const { path: keyPath, publicKey } = sellerKey
  // Where it never was a file (a core in a test, a key that is handed in) there is nothing to miss.
  const hadKey = existsSync(keyPath)
  const keyGone = async (): Promise<string | null> => (hadKey && !(await holdsKey(keyPath, publicKey)) ? keyPath : null)
  return {
    gone,
    keyGone,
    async look() {
      const path = await gone()
      if (path !== null) return [{ kind: 'folder-gone', path }]
      const key = await keyGone()
      const reports: BreakerReport[] = key === null ? [] : [{ kind: 'key-gone', path: key }]
      for (const { venueId, path } of books) {
        const problem = await writeProblem(path)
        if (problem !== null) reports.push({ kind: 'books-not-writable', venueId, path, problem })
      }
      return reports
    },
  }
}
