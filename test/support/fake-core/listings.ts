/**
 * Listings of a Fake rig in the core's own words: fewer slots offered than there are, accepted work that is being
 * finished, and a withdrawn one until that is done.
 */
import type { Listing } from '#contract/market.ts'
import { MINUTE_MS } from '#contract/time.ts'

import { listing, type Scenario } from './state.ts'

/** Jobs that are accepted and not done when a Fake rig starts. */
export const ACCEPTED = 2

/** The machine, measured, serves one stream fewer than the deployment has slots. */
const fewerOffered = (now: number): Listing => ({
  ...listing(now),
  reason: 'open for jobs',
  slots: 3,
  slotsWhy: '3 of 4: with 4 at once each stream gets 9.4 tokens/s and the grade asks 10',
})

/** Takes no new jobs; `jobs` accepted ones are finished, for ten minutes at most. */
export const closed = (before: Listing, reason: string, jobs: number, now: number): Listing => ({
  ...before,
  state: 'paused',
  reason,
  since: now,
  draining: before.draining ?? (jobs === 0 ? null : { jobs, until: now + 10 * MINUTE_MS }),
})

/** What a Fake rig offers at its start. */
export function firstListing({ scenario, draining }: { scenario: Scenario; draining?: boolean }, now: number): Listing {
  const open = scenario === 'several' ? fewerOffered(now) : listing(now)
  return draining === true ? closed(open, 'paused by you', ACCEPTED, now) : open
}

export const WITHDRAWN = 'withdrawn; its accepted jobs are being finished'

/** The accepted jobs are done. */
export const drained = (listings: readonly Listing[]): Listing[] =>
  listings.filter(({ reason }) => reason !== WITHDRAWN).map((one) => ({ ...one, draining: null }))
