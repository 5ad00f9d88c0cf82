/** Handlers of contract/venues.ts. */
import { fail } from '#contract/errors.ts'
import type { PublicKey } from '#contract/ids.ts'
import { nanoFromBigInt } from '#contract/money.ts'
import { brandId } from '#contract/ids.ts'
import type { VenueKeys } from '#contract/venues.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { Os } from '#core/os.ts'
import { pinnedKeyOf, startsOf, trustKey } from '#core/venues/index.ts'

import type { Sync } from './exchange-sync.ts'
import type { Settlement } from './settlement.store.ts'
import { atStake, heldBy, writeOff, type WrittenOff } from './write-off.store.ts'

export interface VenueKeysDeps {
  sync: Pick<Sync, 'hold'>
  settlement: Pick<Settlement, 'voidJob'>
}

/** What the contract asks about the keys of one venue. */
export function venueKeysCalls(context: VenueContext, { sync, settlement }: VenueKeysDeps) {
  const { venueId, rigDb, realmDb, venue, key, unit, clock, events, log } = context
  const keys = (): VenueKeys => ({
    venueId,
    supplier: key.publicKey,
    pinned: pinnedKeyOf(rigDb.read, venueId),
    starts: startsOf(rigDb.read, venueId),
    hold: sync.hold(),
    heldBy: heldBy(realmDb.read).map(({ exchange, jobs, heldNano }) => ({
      exchange: brandId<PublicKey>(exchange),
      jobs,
      heldNano: nanoFromBigInt(heldNano),
    })),
    pendingNano: nanoFromBigInt(atStake(realmDb.read, '').pendingNano),
    currency: unit.code,
    at: clock.now(),
  })
  return {
    keys,
    takeOver() {
      log.info({ venueId }, 'the owner takes the key over')
      venue.takeOver?.()
      return { asked: venue.takeOver !== undefined }
    },
    trust(exchange: PublicKey): VenueKeys {
      log.info({ venueId, exchange, before: pinnedKeyOf(rigDb.read, venueId) }, 'the owner trusts another key')
      trustKey(rigDb, venueId, exchange)
      venue.retry?.()
      events.changed('exchange')
      return keys()
    },
    writeOff(exchange: PublicKey, claims: boolean): WrittenOff {
      const state = venue.state()
      // It will be released in its time.
      if (state.kind === 'online' && state.terms.exchange === exchange && sync.hold() === null)
        throw fail('writeOff.alive')
      const done = writeOff(context, settlement, { exchange, claims })
      log.info({ venueId, exchange, ...done }, 'money was written off by the owner')
      for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
      return done
    },
  }
}

export const venuesApi = (os: Os, of: ByVenue<ReturnType<typeof venueKeysCalls>>) => ({
  keys: os.venues.keys.handler(({ input }) => of(input.venueId).keys()),
  takeOver: os.venues.takeOver.handler(({ input }) => of(input.venueId).takeOver()),
  trust: os.venues.trust.handler(({ input }) => of(input.venueId).trust(input.exchange)),
  writeOff: os.venues.writeOff.handler(({ input: { venueId, exchange, claims } }) => {
    const { jobs, amountNano, claims: voided } = of(venueId).writeOff(exchange, claims)
    return { venueId, exchange, jobs, amountNano: nanoFromBigInt(BigInt(amountNano)), claims: voided }
  }),
})
