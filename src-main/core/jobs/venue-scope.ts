/**
 * Cache scopes of a venue's jobs. Hashed with the venue, so that none of them can be the owner's own scope or that of
 * another venue, whatever the venue says.
 */
import type { VenueId } from '#contract/ids.ts'
import { sha256Hex } from '#lib/canonical.ts'

/** 64 hexadecimal digits, the longest a scope may be. */
export const venueScope = (venueId: VenueId, said: string): string => sha256Hex(`${venueId}\u0000${said}`)
