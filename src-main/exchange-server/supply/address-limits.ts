/**
 * Bounds by the address a socket comes from, so that one stranger cannot take what is there for all: sockets, unfinished
 * handshakes, hellos. Behind a proxy every socket has the proxy's address; then the proxy has to do this.
 */
import { AddressBuckets, AddressCounts, PendingSlots } from '#lib/by-address.ts'

export interface AddressBounds {
  /** Sockets of one address. */
  readonly sockets: number
  /** Handshakes under way: of one address, and of all. */
  readonly handshakes: number
  readonly handshakesInAll: number
  /** Hellos of one address: a bucket of `helloBurst` that refills at `hellosPerSecond`. */
  readonly helloBurst: number
  readonly hellosPerSecond: number
}

export interface AddressLimits {
  readonly sockets: AddressCounts
  readonly handshakes: PendingSlots
  /** Each costs a signature check, and one by an unknown key a transaction. */
  readonly hellos: AddressBuckets
}

/** `perAddress` false: one address may have all there is, for an exchange whose proxy does this. */
export function addressLimits(bounds: AddressBounds, perAddress = true): AddressLimits {
  const all = Number.POSITIVE_INFINITY
  return {
    sockets: new AddressCounts(perAddress ? bounds.sockets : all),
    handshakes: new PendingSlots(perAddress ? bounds.handshakes : all, bounds.handshakesInAll),
    hellos: perAddress ? new AddressBuckets(bounds.helloBurst, bounds.hellosPerSecond) : new AddressBuckets(all, 0),
  }
}
