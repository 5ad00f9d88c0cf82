/**
 * Failed logins by address. A login code has 192 random bits, so nobody guesses one and the right code always opens;
 * this only ends the conversation with those who try. It is asked after a code was found wrong, never before.
 */
import type { Clock } from '#contract/time.ts'
import { AddressBuckets } from '#lib/by-address.ts'

const AT_ONCE = 10
const EVERY_MS = 6_000

export interface FailedLogins {
  /** One more from this address; false when there were too many lately. */
  failed(address: string): boolean
}

/** Ten at once, then one each six seconds, for each address. */
export function createFailedLogins(clock: Clock): FailedLogins {
  const buckets = new AddressBuckets(AT_ONCE, 1_000 / EVERY_MS)
  return { failed: (address) => buckets.take(address, clock.mono()) }
}
