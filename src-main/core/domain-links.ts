/**
 * What domains ask of domains that are built after them. Nothing here can be read while the core is composed: every link
 * goes through the one late value, which is set when all are built.
 */
import type { Late } from '#lib/late.ts'

import type { HandBack } from './core-context.ts'
import type { Deployments } from './deployments/index.ts'
import type { Exams } from './exams/index.ts'
import type { Jobs } from './jobs/index.ts'
import type { Listings } from './listings/index.ts'

/** What the machine asks of each venue. */
export interface LinkedVenue {
  listings: Pick<Listings, 'all'>
  exams: Pick<Exams, 'examining'>
  jobs: Pick<Jobs, 'live' | 'runningOn'>
}

export interface LinkedDomains {
  deployments: Pick<Deployments, 'modelInUse' | 'modelLoaded' | 'removeRemote' | 'loaded'>
  venues: readonly LinkedVenue[]
  handBack: HandBack
}

export type DomainLinks = ReturnType<typeof createLinks>

export function createLinks(domains: Pick<Late<LinkedDomains>, 'get'>) {
  return {
    /** Models ask whether one may be removed. */
    modelInUse: (sha256: string): string | null => domains.get().deployments.modelInUse(sha256),
    modelLoaded: (sha256: string): boolean => domains.get().deployments.modelLoaded(sha256),
    removeRemote: (sha256: string): Promise<boolean> => domains.get().deployments.removeRemote(sha256),
    /** Deployments, and Home, ask why one may not be unloaded now, in plain words; null when it may. */
    inUse: (deploymentId: string): string | null => {
      const { venues } = domains.get()
      const listing = venues
        .flatMap(({ listings }) => listings.all())
        .find((one) => one.deploymentId === deploymentId && one.state !== 'paused')
      if (listing !== undefined) return `It is listed for ${listing.instrument}; pause or withdraw the listing first.`
      if (venues.some(({ exams }) => exams.examining() === deploymentId))
        return 'An exam runs on it; wait for the result or cancel the exam.'
      return venues.some(({ jobs }) => jobs.runningOn(deploymentId) > 0)
        ? 'It is serving a job; try again in a moment.'
        : null
    },
    /** Deployments offer it to the owner. */
    handBack: ((rule) => domains.get().handBack(rule)) satisfies HandBack,
    /** Power asks how many jobs run. */
    runningJobs: (): number => domains.get().venues.reduce((sum, { jobs }) => sum + jobs.live().length, 0),
    /** Capacity asks how many slots a deployment has; null while it is not in memory. */
    slotsOf: (deploymentId: string): number | null =>
      domains.get().deployments.loaded(deploymentId)?.model.slots ?? null,
  }
}
