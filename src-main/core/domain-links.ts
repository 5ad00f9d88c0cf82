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

export interface LinkedDomains {
  deployments: Pick<Deployments, 'modelInUse' | 'modelLoaded' | 'removeRemote'>
  listings: Pick<Listings, 'all'>
  exams: Pick<Exams, 'examining'>
  jobs: Pick<Jobs, 'live' | 'runningOn' | 'runningOf' | 'onEnded' | 'giveUp' | 'measured'>
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
      const { listings, exams, jobs } = domains.get()
      const listing = listings.all().find((one) => one.deploymentId === deploymentId && one.state !== 'paused')
      if (listing !== undefined) return because('inUse.listed', { instrument: listing.instrument })
      if (exams.examining() === deploymentId) return because('inUse.exam')
      return jobs.runningOn(deploymentId) > 0 ? because('inUse.serving') : null
    },
    /** Deployments offer it to the owner. */
    handBack: ((rule) => domains.get().handBack(rule)) satisfies HandBack,
    /** Power asks how many jobs run. */
    runningJobs: (): number => domains.get().jobs.live().length,
    /** Listings ask who still works for them; jobs ask listings for their routes. */
    jobs: (): LinkedDomains['jobs'] => domains.get().jobs,
  }
}
