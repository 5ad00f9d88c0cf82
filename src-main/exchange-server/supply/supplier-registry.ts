/** Who is connected: at most one session a supplier key, and the offers that stand. */
import type { MatchableOffer } from './matching.ts'
import type { Offer, Peer } from './peer.ts'

export interface StandingOffer extends MatchableOffer {
  peer: Peer
  offer: Offer
}

export class Registry {
  readonly #peers = new Map<string, Peer>()
  #order = 0

  get(supplier: string): Peer | undefined {
    return this.#peers.get(supplier)
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values()
  }

  get size(): number {
    return this.#peers.size
  }

  add(peer: Peer): void {
    this.#peers.set(peer.supplier, peer)
  }

  remove(peer: Peer): void {
    if (this.#peers.get(peer.supplier) === peer) this.#peers.delete(peer.supplier)
  }

  nextOrder(): number {
    this.#order += 1
    return this.#order
  }

  /**
   * Offers of one instrument whose qualification still holds at `now`; those of a supplier that is reconnecting stand,
   * without free slots.
   */
  standing(instrument: string, now: number): StandingOffer[] {
    const offers: StandingOffer[] = []
    for (const peer of this.#peers.values()) {
      const offer = peer.offers.get(instrument)
      if (offer === undefined || offer.qualifiedUntil <= now) continue
      offers.push({
        peer,
        offer,
        supplier: peer.supplier,
        ask: offer.ask,
        order: offer.order,
        freeSlots: peer.freeSlots(offer),
        contextTokens: offer.contextTokens,
        maxOutputTokens: offer.maxOutputTokens,
      })
    }
    return offers
  }
}
