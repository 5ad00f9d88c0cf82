/**
 * Listings of a Fake rig in the core's own words: fewer slots offered than there are, accepted work that is being
 * finished, and a withdrawn one until that is done.
 */
import { because, type Reason } from '#contract/reasons.ts'
import type { Listing } from '#contract/market.ts'
import { MINUTE_MS } from '#contract/time.ts'

import { listing, type Scenario } from './state.ts'

/** Jobs that are accepted and not done when a Fake rig starts. */
export const ACCEPTED = 2

/** The machine, measured, serves one stream fewer than the deployment has slots. */
const fewerOffered = (now: number): Listing => ({
  ...listing(now),
  reason: because('listing.open'),
  slots: 3,
  slotsWhy: because('capacity.some', {
    slots: 3,
    of: 4,
    why: because('capacity.rate', { streams: 4, rate: 9.4, floor: 10, spare: 'no' }),
  }),
})

/** Takes no new jobs; `jobs` accepted ones are finished, for ten minutes at most. */
export const closed = (before: Listing, reason: Reason, jobs: number, now: number): Listing => ({
  ...before,
  state: 'paused',
  reason,
  since: now,
  draining: before.draining ?? (jobs === 0 ? null : { jobs, until: now + 10 * MINUTE_MS }),
})

const OWN_FAULTS = because('breaker.ownFaults', { model: 'Stoker nano', faults: 5, code: 'ENGINE_CRASHED' })

/** Taken out of the market by Stoker itself. */
const stoppedNow = (now: number): Listing => ({
  ...listing(now),
  state: 'waiting',
  reason: OWN_FAULTS,
  since: now - MINUTE_MS,
  slots: 0,
  slotsWhy: OWN_FAULTS,
  stopped: OWN_FAULTS,
})

/** What a Fake rig offers at its start. */
export function firstListing(
  { scenario, draining, stopped }: { scenario: Scenario; draining?: boolean; stopped?: boolean },
  now: number,
): Listing {
  if (stopped === true) return stoppedNow(now)
  const open = scenario === 'several' ? fewerOffered(now) : listing(now)
  return draining === true ? closed(open, because('listing.pausedByYou'), ACCEPTED, now) : open
}

export const WITHDRAWN = because('listing.withdrawn')

/** The accepted jobs are done. */
export const drained = (listings: readonly Listing[]): Listing[] =>
  listings.filter(({ reason }) => reason.code !== WITHDRAWN.code).map((one) => ({ ...one, draining: null }))
