/** Which venue a call is about. */
import { fail } from '#contract/errors.ts'
import type { VenueId } from '#contract/ids.ts'

/** The part of a venue that answers. Error NOT_FOUND: there is no such venue. */
export type ByVenue<T> = (venueId: VenueId) => T

/** Looks the venue up by its id. */
export function byVenue<V extends { context: { venueId: VenueId } }>(venues: readonly V[]): ByVenue<V> {
  return (venueId) => {
    const found = venues.find(({ context }) => context.venueId === venueId)
    if (found === undefined) throw fail('venue.unknown', { venue: venueId }, { data: { venueId } })
    return found
  }
}
