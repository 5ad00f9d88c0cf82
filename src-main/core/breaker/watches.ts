/** Looks for causes that nobody reports by himself: a silent engine, a changed file, a folder that went, books that cannot be written. */
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import { SILENT_MS } from '#core/deployments/index.ts'
import type { ModelsService } from '#core/models/index.ts'

import type { BreakerReport } from './breaker.port.ts'
import { firstGone, identitiesOf, writeProblem } from './look-at-files.ts'

export interface WatchDeps {
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine'>
  models: Pick<ModelsService, 'find' | 'look'>
  /** Databases by the venue they are of; null for the machine's own. */
  books: readonly { venueId: VenueContext['venueId'] | null; path: string }[]
}

/** At once, from what the engines say of themselves. */
export const silentEngines = ({ deployments }: Pick<WatchDeps, 'deployments'>): BreakerReport[] =>
  deployments.allLoaded().flatMap(({ deploymentId }) => {
    const silentMs = deployments.engine(deploymentId)?.stats().silentMs ?? 0
    return silentMs < SILENT_MS ? [] : [{ kind: 'silent-engine' as const, deploymentId, silentMs }]
  })

/** Of every model in memory; a file that has to be hashed first counts as changed. */
export async function changedFiles({ deployments, models }: WatchDeps): Promise<BreakerReport[]> {
  const loaded = new Set(deployments.allLoaded().map(({ sha256 }) => sha256))
  const reports: BreakerReport[] = []
  for (const sha256 of loaded) {
    const stored = models.find(sha256)
    // On remote servers there is no file.
    if (stored === null) continue
    const found = await models.look(stored)
    if (found !== 'ready') reports.push({ kind: 'changed-file', sha256, path: stored.path, found })
  }
  return reports
}

export interface FolderWatch {
  /** The first of the opened databases that is gone or another file; null when all are there. */
  gone(this: void): Promise<string | null>
  /** Books that could not be written, and a folder that is gone. */
  look(): Promise<BreakerReport[]>
}

/** From now on: all databases were just opened. */
export function watchFolder({ books }: Pick<WatchDeps, 'books'>): FolderWatch {
  const opened = identitiesOf(books.map(({ path }) => path))
  const gone = (): Promise<string | null> => firstGone(opened)
  return {
    gone,
    async look() {
      const path = await gone()
      if (path !== null) return [{ kind: 'folder-gone', path }]
      const reports: BreakerReport[] = []
      for (const { venueId, path } of books) {
        const problem = await writeProblem(path)
        if (problem !== null) reports.push({ kind: 'books-not-writable', venueId, path, problem })
      }
      return reports
    },
  }
}
