/** Who gets the next job: price-time priority among qualified suppliers with a free slot. Pure. */
export interface MatchableOffer {
  supplier: string
  askNanoPerMtok: number
  /** Rises with every new offer or changed ask: time priority. */
  order: number
  freeSlots: number
  contextTokens: number
  maxOutputTokens: number
}

export interface MatchRequest {
  inputTokens: number
  maxTokens: number
  /** Suppliers that already failed this order. */
  tried: ReadonlySet<string>
  maxPrice: number
}

/** Whether an offer could ever serve the order, free or busy. */
export const fits = (offer: MatchableOffer, wanted: MatchRequest): boolean =>
  offer.askNanoPerMtok <= wanted.maxPrice &&
  !wanted.tried.has(offer.supplier) &&
  offer.maxOutputTokens >= wanted.maxTokens &&
  offer.contextTokens >= wanted.inputTokens + wanted.maxTokens

/** The lowest ask, then the oldest offer, among those that fit and have a free slot; null when none. */
export function match<Offer extends MatchableOffer>(offers: Iterable<Offer>, wanted: MatchRequest): Offer | null {
  let best: Offer | null = null
  for (const offer of offers) {
    if (offer.freeSlots <= 0 || !fits(offer, wanted)) continue
    if (
      best === null ||
      offer.askNanoPerMtok < best.askNanoPerMtok ||
      (offer.askNanoPerMtok === best.askNanoPerMtok && offer.order < best.order)
    )
      best = offer
  }
  return best
}
