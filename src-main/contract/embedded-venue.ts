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
  /** Before the grade in an instrument's name. */
  readonly instrumentPrefix: string
  /** What the demo sells. */
  readonly demoInstrument: string
  /** Of buyers' keys. */
  readonly keyPrefix: string
  /** The labelled buyer inside it: its id, and the first word of its orders' ids. */
  readonly ownBuyer: { readonly id: string; readonly order: string; readonly name: string }
}

export const EMBEDDED_VENUE: VenueConfig = {
  realm: 'practice',
  unit: unitOf('PCR'),
  file: 'practice.db',
  instrumentPrefix: 'practice/',
  demoInstrument: 'practice/text-nano',
  keyPrefix: 'sk-practice-',
  ownBuyer: { id: 'practice-buyer', order: 'practice', name: 'Practice buyer (no real buyer)' },
}
