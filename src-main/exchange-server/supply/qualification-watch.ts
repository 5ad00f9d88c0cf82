/**
 * What an offer stands on ends or is renewed: the supplier is told before the end, the offer is taken back at the end
 * with that reason, and a new pass lets it stand longer. Routing never waits for this (supplier-registry.ts looks at the
 * time itself).
 */
import { fail, inWords, toErrorValue } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import { brandId, type Instrument } from '#contract/ids.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { ENDING_WARNINGS, LIMITS } from '../exchange-limits.ts'
import { qualificationOf, type SupplierQualification } from '../store/supplier-exams.store.ts'
import type { Offer, Peer } from './peer.ts'
import type { Registry } from './supplier-registry.ts'

type Warning = (typeof ENDING_WARNINGS)[number]

/** The most urgent warning that is due; null while the end is far, or past. */
export const warningDue = (until: number, now: number): Warning | null =>
  until <= now ? null : (ENDING_WARNINGS.find(({ withinMs }) => until - now <= withinMs) ?? null)

export class QualificationWatch {
  readonly #context: ExchangeContext
  readonly #registry: Registry
  readonly #bookChanged: (instrument: string) => void
  /** Warnings that were sent: a supplier that comes back is not told the same again. */
  readonly #sent = new Set<string>()

  constructor(context: ExchangeContext, registry: Registry, bookChanged: (instrument: string) => void) {
    this.#context = context
    this.#registry = registry
    this.#bookChanged = bookChanged
  }

  /** A new pass: the standing offer that it covers stands as long as it does. */
  renewed(peer: Peer, instrument: string): void {
    const offer = peer.offers.get(instrument)
    if (offer === undefined) return
    const covers = this.#coverOf(peer, offer)
    if (covers === null) return
    this.#stand(peer, offer, covers)
    this.look(peer, instrument)
  }

  /** All offers; often, so that an end is told within a second. */
  sweep(): void {
    for (const peer of this.#registry.all())
      // What is taken back leaves the map while it is walked, which a Map allows.
      for (const instrument of peer.offers.keys())
        try {
          this.look(peer, instrument)
        } catch (error) {
          const { supplier } = peer
          this.#context.log.error({ err: error, supplier, instrument }, 'a qualification could not be looked up')
        }
  }

  /** Warns, or ends. Nothing where nothing is offered. */
  look(peer: Peer, instrument: string): void {
    const offer = peer.offers.get(instrument)
    if (offer === undefined) return
    const now = this.#context.clock.now()
    if (offer.qualifiedUntil <= now) return this.#end(peer, offer)
    const warning = warningDue(offer.qualifiedUntil, now)
    if (warning === null) return
    const name = `${peer.supplier} ${instrument} ${offer.qualifiedUntil} ${warning.level}`
    if (this.#sent.has(name)) return
    this.#remember(name)
    // A later pass that measured fewer slots: the offer will be smaller, and stand.
    if ((this.#coverOf(peer, { ...offer, slots: 1 })?.until ?? 0) > offer.qualifiedUntil) return
    const reason = because('exchange.qualificationEnds', { instrument, until: offer.qualifiedUntil })
    peer.send({
      t: 'notice',
      level: warning.level,
      text: inWords(reason),
      instrument: brandId<Instrument>(instrument),
      reason,
    })
  }

  /** Another pass may cover it with fewer slots; otherwise it is taken back. Jobs that run are finished. */
  #end(peer: Peer, offer: Offer): void {
    const { instrument, qualifiedUntil } = offer
    const covers = this.#coverOf(peer, offer)
    if (covers !== null) return this.#stand(peer, offer, covers)
    peer.offers.delete(instrument)
    peer.send({
      t: 'offer.refused',
      instrument: brandId<Instrument>(instrument),
      error: toErrorValue(fail('exchange.qualificationEnded', { instrument, until: qualifiedUntil })),
    })
    this.#bookChanged(instrument)
  }

  #stand(peer: Peer, offer: Offer, { until, slots }: SupplierQualification): void {
    peer.offers.set(offer.instrument, { ...offer, qualifiedUntil: until, slots: Math.min(offer.slots, slots) })
    this.#bookChanged(offer.instrument)
  }

  #coverOf(peer: Peer, { instrument, identity, slots }: Offer): SupplierQualification | null {
    const { db, clock, specs } = this.#context
    const spec = specs.get(instrument)
    if (spec === undefined) return null
    const subject = { supplier: peer.supplier, instrument, specVersion: spec.version, modelSha256: identity.sha256 }
    return qualificationOf(db.read, { ...subject, slots }, clock.now())
  }

  #remember(name: string): void {
    const [oldest] = this.#sent
    if (oldest !== undefined && this.#sent.size >= LIMITS.warningsKept) this.#sent.delete(oldest)
    this.#sent.add(name)
  }
}
