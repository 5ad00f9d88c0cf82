/** The fake core's keys: pinned and quiet. */
import { brandId, type PublicKey } from '#contract/ids.ts'
import { nano } from '#contract/money.ts'
import type { VenueKeys } from '#contract/venues.ts'

import { VENUE } from '../venue.ts'
import { os } from './world.ts'

const KEYS: VenueKeys = {
  venueId: VENUE,
  supplier: brandId<PublicKey>('S'.repeat(43)),
  pinned: brandId<PublicKey>('E'.repeat(43)),
  starts: 3,
  hold: null,
  heldBy: [],
  pendingNano: nano(0),
  currency: 'PCR',
  at: 0,
}

export const venuesPart = () => ({
  keys: os.venues.keys.handler(() => KEYS),
  takeOver: os.venues.takeOver.handler(() => ({ asked: true })),
  trust: os.venues.trust.handler(({ input }) => ({ ...KEYS, pinned: input.exchange })),
  writeOff: os.venues.writeOff.handler(({ input: { venueId, exchange } }) => ({
    venueId,
    exchange,
    jobs: 0,
    amountNano: nano(0),
    claims: 0,
  })),
})
