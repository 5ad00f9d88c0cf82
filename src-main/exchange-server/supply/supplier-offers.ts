/** Offers: a supplier names an ask for a grade it has qualified for. They live as long as its session. */
import { fail, toErrorValue } from '#contract/errors.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { samePrice } from '#contract/money.ts'
import type { SupplierFrameV2 } from '#contract/supplier-v2.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { passedUntil, qualificationOf } from '../store/supplier-exams.store.ts'
import type { Offer, Peer } from './peer.ts'
import type { Registry } from './supplier-registry.ts'

type OfferFrame = Extract<SupplierFrameV2, { t: 'offer' }>

/**
 * Takes, changes or refuses an offer and answers the supplier. Returns the standing offer, or null when refused. A
 * changed ask loses its place in time.
 */
export function takeOffer(context: ExchangeContext, registry: Registry, peer: Peer, frame: OfferFrame): Offer | null {
  let qualifiedUntil: number
  try {
    qualifiedUntil = checkOffer(context, peer, frame)
  } catch (error) {
    peer.offers.delete(frame.instrument)
    peer.send({ t: 'offer.refused', instrument: frame.instrument, error: toErrorValue(error) })
    return null
  }
  const before = peer.offers.get(frame.instrument)
  const keepsPlace =
    before !== undefined && samePrice(before.ask, frame.ask) && before.deploymentId === frame.deploymentId
  const { deploymentId, identity, ask, slots, contextTokens, maxOutputTokens, instrument } = frame
  const offer: Offer = {
    instrument,
    deploymentId,
    identity,
    ask,
    slots,
    contextTokens,
    maxOutputTokens,
    qualifiedUntil,
    order: keepsPlace ? before.order : registry.nextOrder(),
  }
  peer.offers.set(instrument, offer)
  peer.send({ t: 'offer.accepted', instrument })
  return offer
}

/** When the qualification it stands on ends. Throws what is wrong with it. */
function checkOffer({ db, clock, specs }: ExchangeContext, peer: Peer, frame: OfferFrame): number {
  const spec = specs.get(frame.instrument)
  if (spec === undefined) throw fail('exchange.gradeUnknown', { instrument: frame.instrument })
  if (peer.offers.size >= LIMITS.offersPerSupplier && !peer.offers.has(frame.instrument))
    throw fail('exchange.offersFull', { max: LIMITS.offersPerSupplier })
  checkSize(spec, frame)
  // What lay in a cache cannot be counted from texts.
  if (frame.ask.cachedInput !== frame.ask.input) throw fail('exchange.cachedPrice')
  const { instrument, slots, identity } = frame
  const subject = { supplier: peer.supplier, instrument, specVersion: spec.version, modelSha256: identity.sha256 }
  const qualification = qualificationOf(db.read, { ...subject, slots }, clock.now())
  if (qualification === null) {
    // The same words whether the supplier asks first or the watch looks first (qualification-watch.ts).
    const until = passedUntil(db.read, subject)
    throw until === null
      ? fail('exchange.notQualified', { instrument, version: spec.version })
      : fail('exchange.qualificationEnded', { instrument, until })
  }
  if (frame.slots > qualification.slots) {
    throw fail('exchange.slotsAboveMeasured', { measured: qualification.slots, offered: frame.slots })
  }
  return qualification.until
}

function checkSize({ limits, instrument }: GradeSpec, frame: OfferFrame): void {
  if (frame.contextTokens < limits.contextTokens || frame.maxOutputTokens < limits.outputTokens) {
    throw fail('exchange.offerTooSmall', {
      instrument,
      contextTokens: limits.contextTokens,
      outputTokens: limits.outputTokens,
      offeredContext: frame.contextTokens,
      offeredOutput: frame.maxOutputTokens,
    })
  }
}
