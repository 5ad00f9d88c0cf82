/** The venue of a rig that has one: our own exchange beside the core. */
import { brandId, type VenueId } from '#contract/ids.ts'
import { unitOf, type Realm } from '#contract/units.ts'

export const VENUE = brandId<VenueId>('practice')

/** What a venue's context says of itself. */
export const VENUE_FACTS = {
  venueId: VENUE,
  driver: 'stoker',
  realm: 'practice' satisfies Realm,
  unit: unitOf('PCR'),
} as const
