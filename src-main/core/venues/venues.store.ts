/** The venues of this rig, as rig.db keeps them. */
import type { VenueId } from '#contract/ids.ts'
import type { Realm } from '#contract/money.ts'
import { int, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const venues = defineTable('venues', {
  venueId: text<VenueId>(),
  driver: text(),
  realm: text<Realm>(),
  unit: text(),
  /** Below the data folder. */
  file: text(),
  pinnedKey: nullable(text()),
  state: text<'active' | 'removed'>(),
  createdAt: int(),
})
export type VenueRow = RowOf<typeof venues>

const VENUES_MAX = 16

/** The active ones, oldest first. */
export const activeVenues = (db: ReadDb): VenueRow[] =>
  venues.all(
    db,
    `SELECT ${venues.columns} FROM venues WHERE state = 'active' ORDER BY created_at, venue_id LIMIT ${VENUES_MAX}`,
  )

export const insertVenue = (db: WriteDb, row: VenueRow): number => venues.insert(db, row)
