/** A listing as the contract shows it. */
import { brandId, type DeploymentId, type Instrument, type VenueId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import { because, type Reason } from '#contract/reasons.ts'
import { DAY_MS, type EpochMs } from '#contract/time.ts'

import type { Capacity } from './capacity.ts'
import type { Drains } from './drains.ts'
import type { ListingRow } from './listings.store.ts'
import type { OfferStanding } from './offers.ts'

export interface ListingFacts {
  venueId: VenueId
  standing: OfferStanding
  offered: Capacity
  /** Slots of its deployment. */
  slotsMax: number
  draining: ReturnType<Drains['of']>
  /** Why Stoker itself sells nothing of it; null when it may. */
  stopped: Reason | null
  qualifiedUntil: EpochMs | null
  now: EpochMs
}

/** From so long before its end on it is said that a qualification ends. */
export const ENDS_SOON_MS = 7 * DAY_MS

/**
 * With the qualification's end where that is the next thing to know: before it while it is open, after it while it waits
 * for something else. Whether it still is offered is the exchange's word alone.
 */
export function shownReason({ state, reason }: OfferStanding, until: EpochMs | null, now: EpochMs): Reason {
  if (until === null) return reason
  if (state === 'listed' && reason.code === 'listing.open' && until > now && until - now <= ENDS_SOON_MS)
    return because('listing.openUntil', { until })
  return state === 'waiting' && until <= now
    ? because('reasons.both', { first: reason, rest: because('listing.qualificationOver', { until }) })
    : reason
}

export const listingView = (
  row: ListingRow,
  { venueId, standing, offered, slotsMax, draining, stopped, qualifiedUntil, now }: ListingFacts,
): Listing => ({
  venueId,
  instrument: brandId<Instrument>(row.instrument),
  deploymentId: brandId<DeploymentId>(row.deploymentId),
  ask: row.ask,
  slots: stopped === null ? offered.slots : 0,
  slotsMax,
  slotsWhy: stopped ?? offered.why,
  stopped,
  state: standing.state,
  reason: shownReason(standing, qualifiedUntil, now),
  since: standing.since,
  qualifiedUntil,
  draining: draining === null ? null : { jobs: draining.jobs, until: draining.until },
})
