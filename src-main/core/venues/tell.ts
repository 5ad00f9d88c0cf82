/** Verbs that need not arrive: after a reconnect the reconciliation or the next offer says what they would have said. */
import type { VenuePort, VenueVerbs } from './venue.port.ts'

/** False when the venue is not reachable now. */
export function tell(venue: VenuePort, verb: (verbs: VenueVerbs) => void): boolean {
  try {
    verb(venue)
    return true
  } catch {
    return false
  }
}
