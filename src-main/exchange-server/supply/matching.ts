/** Who gets the next job: price-time priority among qualified suppliers with a free slot. Pure. */
import { exactCost, type NanoPerMtok, type Price } from '#contract/money.ts'

export interface MatchableOffer {
  supplier: string
  ask: Price
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
  maxPrice: NanoPerMtok
}

/** None of the three prices is above `cap`. */
export const within = ({ input, cachedInput, output }: Price, cap: NanoPerMtok): boolean =>
  Math.max(input, cachedInput, output) <= cap

/** What the whole order costs at most, exactly: asks of three prices are compared by what is bought. */
const dearness = ({ ask }: MatchableOffer, { inputTokens, maxTokens }: MatchRequest): bigint =>
  exactCost({ input: inputTokens, cachedInput: 0, output: maxTokens }, ask)

/** Whether an offer could ever serve the order, free or busy. */
export const fits = (offer: MatchableOffer, wanted: MatchRequest): boolean =>
  within(offer.ask, wanted.maxPrice) &&
  !wanted.tried.has(offer.supplier) &&
  offer.maxOutputTokens >= wanted.maxTokens &&
  offer.contextTokens >= wanted.inputTokens + wanted.maxTokens

/** The cheapest for this order, then the oldest offer, among those that fit and have a free slot; null when none. */
export function match<Offer extends MatchableOffer>(offers: Iterable<Offer>, wanted: MatchRequest): Offer | null {
  let best: { offer: Offer; cost: bigint } | null = null
  for (const offer of offers) {
    if (offer.freeSlots <= 0 || !fits(offer, wanted)) continue
    const cost = dearness(offer, wanted)
    if (best === null || cost < best.cost || (cost === best.cost && offer.order < best.offer.order))
      best = { offer, cost }
  }
  return best?.offer ?? null
}
