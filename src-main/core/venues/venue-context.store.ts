/** One venue's context: its database, realm and unit, and the driver that speaks to it. */
import { mkdirSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'

import { fail } from '#contract/errors.ts'
import { knownUnit } from '#contract/units.ts'
import type { CoreContext, VenueContext } from '#core/core-context.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'

import { startedMemory } from './venue-memory.store.ts'
import type { VenueMemory, VenuePort } from './venue.port.ts'
import type { VenueRow } from './venues.store.ts'

/** Makes the port of one venue; `memory` is what is kept of it between starts. */
export type VenueDriver = (row: VenueRow, memory: VenueMemory) => VenuePort
/** By the name of the kind of venue. */
export type VenueDrivers = Readonly<Record<string, VenueDriver>>

/** Opens (and migrates) the venue's database; connects to nothing. Errors: NOT_FOUND for an unknown driver, DB_*. */
export function openVenue(context: CoreContext, row: VenueRow, drivers: VenueDrivers): VenueContext {
  const driver = drivers[row.driver]
  if (driver === undefined)
    throw fail(
      'venue.noDriver',
      { driver: row.driver, venue: row.venueId },
      { data: { venueId: row.venueId, driver: row.driver } },
    )
  const file = normalize(row.file)
  if (file.startsWith('..') || file.startsWith(sep))
    throw fail('venue.fileOutside', { venue: row.venueId }, { data: { venueId: row.venueId } })
  const unit = knownUnit(row.unit)
  if (unit === undefined)
    throw fail(
      'venue.unitUnknown',
      { venue: row.venueId, unit: row.unit },
      { data: { venueId: row.venueId, unit: row.unit } },
    )
  const path = join(context.dataDir, file)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return {
    ...context,
    events: context.events.of(row.venueId),
    venueId: row.venueId,
    driver: row.driver,
    realm: row.realm,
    unit,
    // Before the database: what throws here must not leave one open.
    venue: driver(row, startedMemory(context.rigDb, context.ids, row.venueId)),
    realmDb: openDb({ path, migrations: realmMigrations, log: context.log }),
  }
}
