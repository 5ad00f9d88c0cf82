/** The venues of this rig, as rig.db keeps them. */
import type { VenueId } from '#contract/ids.ts'
import type { Realm } from '#contract/money.ts'
import { EPOCH_MAX } from '#contract/supplier-v2.ts'
import { defaulted, int, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type NewRowOf, type RowOf } from '#db/table.ts'

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
  /** Starts with our key so far. */
  epoch: defaulted(int()),
})
export type VenueRow = RowOf<typeof venues>

const VENUES_MAX = 16

/** The active ones, oldest first. */
export const activeVenues = (db: ReadDb): VenueRow[] =>
  venues.all(
    db,
    `SELECT ${venues.columns} FROM venues WHERE state = 'active' ORDER BY created_at, venue_id LIMIT ${VENUES_MAX}`,
  )

export const insertVenue = (db: WriteDb, row: NewRowOf<typeof venues>): number => venues.insert(db, row)

export const findVenue = (db: ReadDb, venueId: string): VenueRow | null =>
  venues.get(db, `SELECT ${venues.columns} FROM venues WHERE venue_id = ?`, venueId)

export const startsOf = (db: ReadDb, venueId: string): number => findVenue(db, venueId)?.epoch ?? 0

export const updateVenue = (
  db: WriteDb,
  venueId: string,
  change: Partial<Pick<VenueRow, 'pinnedKey' | 'epoch'>>,
): number => venues.update(db, change, 'WHERE venue_id = ?', venueId)

/** For a folder that was put back from a copy: it stands before whoever else started from the same count. */
export const raiseEpochs = (db: WriteDb, atLeast: number, by: number): void => {
  db.prepare('UPDATE venues SET epoch = min(max(epoch, ?) + ?, ?)').run(atLeast, by, EPOCH_MAX)
}
