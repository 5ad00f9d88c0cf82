/**
 * What domains ask of domains that are built after them. Nothing here can be read while the core is composed: every link
 * goes through the one late value, which is set when all are built.
 */
import { because, type Reason } from '#contract/reasons.ts'
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
  jobs: Pick<Jobs, 'live' | 'runningOn' | 'recordRemaining'>
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
    modelInUse: (sha256: string): Reason | null => domains.get().deployments.modelInUse(sha256),
    modelLoaded: (sha256: string): boolean => domains.get().deployments.modelLoaded(sha256),
    removeRemote: (sha256: string): Promise<boolean> => domains.get().deployments.removeRemote(sha256),
    /** Deployments, and Home, ask why one may not be unloaded now, in plain words; null when it may. */
    inUse: (deploymentId: string): Reason | null => {
      const { venues } = domains.get()
      const listing = venues
        .flatMap(({ listings }) => listings.all())
        .find((one) => one.deploymentId === deploymentId && one.state !== 'paused')
      if (listing !== undefined) return because('inUse.listed', { instrument: listing.instrument })
      if (venues.some(({ exams }) => exams.examining() === deploymentId)) return because('inUse.exam')
      return venues.some(({ jobs }) => jobs.runningOn(deploymentId) > 0) ? because('inUse.serving') : null
    },
    /** Deployments offer it to the owner. */
    handBack: ((rule) => domains.get().handBack(rule)) satisfies HandBack,
    /** Power asks how many jobs run. */
    runningJobs: (): number => domains.get().venues.reduce((sum, { jobs }) => sum + jobs.live().length, 0),
    /** Storage tells that the disk is back. */
    recordRemaining: (): void => {
      for (const { jobs } of domains.get().venues) jobs.recordRemaining()
    },
    /** Capacity asks how many slots a deployment has; null while it is not in memory. */
    slotsOf: (deploymentId: string): number | null =>
      domains.get().deployments.loaded(deploymentId)?.model.slots ?? null,
  }
}
