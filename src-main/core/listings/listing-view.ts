/** A listing as the contract shows it. */
import { brandId, type DeploymentId, type Instrument, type VenueId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'

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
}

export const listingView = (
  row: ListingRow,
  { venueId, standing: { state, reason, since }, offered, slotsMax, draining }: ListingFacts,
): Listing => ({
  venueId,
  instrument: brandId<Instrument>(row.instrument),
  deploymentId: brandId<DeploymentId>(row.deploymentId),
  ask: row.ask,
  slots: offered.slots,
  slotsMax,
  slotsWhy: offered.why,
  state,
  reason,
  since,
  draining: draining === null ? null : { jobs: draining.jobs, until: draining.until },
})
