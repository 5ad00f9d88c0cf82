/** A venue's key and ours: what is pinned, who holds money of ours, and what only the owner may decide about them. */
import { z } from 'zod'

import { currency, epochMs, nanoAmount, ofVenue, publicKey, reason, venueId } from './primitives.ts'
import { method } from './scope.ts'

export const venueKeys = z.object({
  venueId,
  /** Our own public key. */
  supplier: publicKey,
  /** The venue's key as it was at first contact, or as the owner trusted it; null before. */
  pinned: publicKey.nullable(),
  /** Starts of this rig with our key: of two rigs with one key the one with more starts is let in. */
  starts: z.number().int(),
  /** Why nothing is offered to the venue, whatever is listed; null when it is. */
  hold: reason.nullable(),
  /** Every key that holds money of ours, and how much. */
  heldBy: z.array(z.object({ exchange: publicKey, jobs: z.number().int(), heldNano: nanoAmount })).max(100),
  pendingNano: nanoAmount,
  currency,
  at: epochMs,
})
export type VenueKeys = z.infer<typeof venueKeys>

export const venuesContract = {
  keys: method('read', ['NOT_FOUND']).input(ofVenue).output(venueKeys),
  /** This rig and no other has our key: it is let in, and the other one is put off. */
  takeOver: method('money', ['NOT_FOUND'])
    .input(ofVenue)
    .output(z.object({ asked: z.boolean() })),
  /** From now on the venue is who has this key. What the key before it holds is lost unless that exchange comes back. */
  trust: method('money', ['NOT_FOUND'])
    .input(ofVenue.extend({ exchange: publicKey }))
    .output(venueKeys),
  /**
   * Gives up what `exchange` holds, visibly: it leaves the held money. `claims`: also what was claimed and not answered.
   * Errors: CONFLICT while that exchange is connected and has the same history as we.
   */
  writeOff: method('money', ['NOT_FOUND', 'CONFLICT'])
    .input(ofVenue.extend({ exchange: publicKey, claims: z.boolean().default(false) }))
    .output(
      z.object({
        venueId,
        exchange: publicKey,
        jobs: z.number().int(),
        amountNano: nanoAmount,
        claims: z.number().int(),
      }),
    ),
}
