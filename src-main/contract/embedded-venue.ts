/**
 * What is particular to the venue that every console has: the embedded exchange. Zod-free. Its realm, unit, file and
 * names stand here and nowhere else.
 */
import { type Realm, type Unit, unitOf } from './units.ts'

export interface VenueConfig {
  readonly realm: Realm
  readonly unit: Unit
  /** Its database in the data folder. */
  readonly file: string
}

export const EMBEDDED_VENUE: VenueConfig = { realm: 'practice', unit: unitOf('PCR'), file: 'practice.db' }
