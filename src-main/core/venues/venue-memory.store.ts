/** What rig.db keeps of a venue between starts: its pinned key, and how often we started. */
import { brandId, type PublicKey } from '#contract/ids.ts'
import type { Db, ReadDb } from '#db/db-types.ts'
import type { IdSource } from '#lib/id-source.ts'

import type { VenueMemory } from './venue.port.ts'
import { findVenue, updateVenue } from './venues.store.ts'

const INSTANCE_BYTES = 16

export function pinnedKeyOf(db: ReadDb, venueId: string): PublicKey | null {
  const key = findVenue(db, venueId)?.pinnedKey ?? null
  return key === null ? null : brandId<PublicKey>(key)
}

/** The owner trusts it: from now on it is the one. */
export const trustKey = (rigDb: Db, venueId: string, key: PublicKey): number =>
  rigDb.tx((db) => updateVenue(db, venueId, { pinnedKey: key }))

/** The start is counted when it is first needed: reading what is there needs no write. */
export function startedMemory(rigDb: Db, ids: Pick<IdSource, 'secret'>, venueId: string): VenueMemory {
  let epoch: number | null = null
  const keep = (next: number): number => {
    rigDb.tx((db) => updateVenue(db, venueId, { epoch: next }))
    epoch = next
    return next
  }
  return {
    pinnedKey: () => pinnedKeyOf(rigDb.read, venueId),
    pin(key) {
      if (pinnedKeyOf(rigDb.read, venueId) === null) trustKey(rigDb, venueId, key)
    },
    epoch: () => epoch ?? keep((findVenue(rigDb.read, venueId)?.epoch ?? 0) + 1),
    standsAt(standing) {
      if (standing > (epoch ?? 0)) keep(standing)
    },
    instance: ids.secret(INSTANCE_BYTES),
  }
}
