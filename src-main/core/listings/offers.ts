/**
 * Keeps the exchange's offers equal to what the owner wants and to what the machine delivers: offers again after every
 * fresh session and engine restart and with every change of the slots, withdraws while the engine is down, and says in
 * codes why a listing waits.
 */
import { fail, inWords } from '#contract/errors.ts'
import { because, checkedReason, type Reason, said, storedReason } from '#contract/reasons.ts'
import { brandId, type DeploymentId, type Instrument } from '#contract/ids.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Listing } from '#contract/market.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import { identityOf } from '#core/deployments/index.ts'
import { exchangeRefusal, refusalReason, tell, type VenueEvent } from '#core/venues/index.ts'
import type { VenueState } from '#core/venues/venue.port.ts'
import { within } from '#lib/within.ts'

import type { ListingRow } from './listings.store.ts'
import { NoticeLimit } from './notice-limit.ts'
import type { OfferedSlots } from './offered-slots.ts'

const ANSWER_MS = 10 * SECOND_MS
/** How long after a qualification's end the exchange has to take the offer back by itself. */
const ENDED_MS = 5 * SECOND_MS

export interface OffersDeps {
  deployments: DeploymentsService
  specOf(instrument: string): GradeSpec | null
  /** Why nothing may be offered to the venue now; null when it may. */
  hold(): Reason | null
  onHold(listener: () => void): () => void
  slots: OfferedSlots
  /** What the owner wants, by instrument. */
  rows: ReadonlyMap<string, ListingRow>
  /** Why Stoker itself sells nothing of it now; null when it may. */
  stopped(row: ListingRow): Reason | null
  /** When the last pass of its model ends, or ended; null where that is not known. */
  qualifiedUntil(row: ListingRow): number | null
}

export interface OfferStanding {
  state: Listing['state']
  reason: Reason
  since: number
}
interface Answer {
  resolve: () => void
  reject: (error: Error) => void
}

const pausedReason = (row: ListingRow): Reason => row.pausedWhy ?? because('listing.pausedByYou')

export class Offers {
  readonly #context: VenueContext
  readonly #deps: OffersDeps
  readonly #standings = new Map<string, OfferStanding>()
  /** Instruments the exchange holds an offer of ours for, or is being asked to. */
  readonly #offered = new Set<string>()
  readonly #answers = new Map<string, Answer>()
  readonly #notices: NoticeLimit
  /** Ends of qualifications after which the exchange was asked whether the offer stands, by instrument. */
  readonly #asked = new Map<string, number>()

  constructor(context: VenueContext, deps: OffersDeps) {
    this.#context = context
    this.#deps = deps
    this.#notices = new NoticeLimit(context.clock)
  }

  standing(row: ListingRow): OfferStanding {
    const starting: OfferStanding = {
      state: row.paused ? 'paused' : 'waiting',
      reason: row.paused ? pausedReason(row) : because('listing.starting'),
      since: row.since,
    }
    return this.#standings.get(row.instrument) ?? starting
  }

  /** By the exchange; it is not offered again before something changes. */
  refused(instrument: string): boolean {
    return this.#standings.get(instrument)?.state === 'refused'
  }

  /** What was said of it holds no more. */
  forget(instrument: string): void {
    this.#standings.delete(instrument)
  }

  /** Follows exchange and engines; the returned function stops it. */
  attach(): () => void {
    const { venue } = this.#context
    const offs = [
      venue.onEvent((event) => this.#onEvent(event)),
      venue.onState((state) => this.#onExchange(state)),
      // A deployment just loaded may be what a listing waited for.
      this.#deps.deployments.onChange(() => this.refreshAll()),
      this.#deps.onHold(() => this.refreshAll()),
    ]
    this.refreshAll()
    return () => {
      for (const off of offs) off()
    }
  }

  /** Offers again where the machine delivers more or less than is offered. */
  followCapacity(): void {
    for (const row of this.#deps.rows.values()) {
      const spec = this.#deps.specOf(row.instrument)
      if (spec === null || !this.#offered.has(row.instrument)) continue
      const { slots } = this.#deps.slots.of(row)
      if (!this.#deps.slots.follow(row, spec)) continue
      if (this.#deps.slots.of(row).slots !== slots) this.#offer(row)
      this.#context.events.changed('listing')
    }
  }

  /**
   * Where a qualification came to its end and the exchange has said nothing, it is asked by the same offer: it may know
   * of a longer one, and one of before says nothing by itself. Once for each end.
   */
  followQualifications(): void {
    for (const row of this.#deps.rows.values()) {
      const until = this.#deps.qualifiedUntil(row)
      if (until === null || until + ENDED_MS > this.#context.clock.now() || !this.#offered.has(row.instrument)) continue
      if (this.#asked.get(row.instrument) === until) continue
      this.#asked.set(row.instrument, until)
      this.#offer(row)
    }
  }

  /** A new pass: what was refused is offered again, and what stands is confirmed. */
  requalified(instrument: string): void {
    const row = this.#deps.rows.get(instrument)
    if (row === undefined || row.paused) return
    if (this.refused(instrument)) this.forget(instrument)
    if (this.#offered.has(instrument) && this.#obstacle(row) === null) this.#offer(row)
    else this.refresh(row)
  }

  /** Offers, withdraws or waits, as the owner wants and the state of engine and exchange allow. */
  refresh(row: ListingRow): void {
    if (row.paused) {
      this.withdraw(row.instrument)
      return this.#stand(row.instrument, 'paused', pausedReason(row))
    }
    const reason = this.#obstacle(row)
    if (reason !== null) {
      if (this.#offered.has(row.instrument) && this.#deps.stopped(row) !== null)
        this.#context.host.notify('Stoker stopped selling', inWords(reason))
      this.withdraw(row.instrument)
      this.#stand(row.instrument, 'waiting', reason)
    } else if (!this.#offered.has(row.instrument) && !this.refused(row.instrument)) this.#offer(row)
  }

  /** Nothing happens where nothing is offered. */
  withdraw(instrument: string): void {
    if (this.#offered.delete(instrument))
      tell(this.#context.venue, (verbs) => verbs.withdraw(brandId<Instrument>(instrument)))
  }

  /**
   * Errors: the exchange's refusal; TIMEOUT, UNAVAILABLE or CONFLICT when it has not answered, cannot be asked, or was
   * asked something newer.
   */
  async offerAndWait(row: ListingRow): Promise<void> {
    const { instrument } = row
    const answered = new Promise<void>((resolve, reject) => {
      this.#answers.get(instrument)?.reject(fail('listing.changedMeanwhile'))
      this.#answers.set(instrument, { resolve, reject })
    })
    this.#offered.delete(instrument)
    this.#standings.delete(instrument)
    this.refresh(row)
    if (!this.#offered.has(instrument)) {
      const reason = this.#standings.get(instrument)?.reason ?? because('listing.cannotNow')
      this.#answers.get(instrument)?.reject(fail('listing.waits', { reason }))
    }
    await within(this.#context.clock, ANSWER_MS, answered, () => fail('listing.answerLate'))
  }

  #onExchange(state: VenueState): void {
    if (state.kind === 'online' && state.fresh) {
      // The exchange forgot our offers with the session; a refusal may not hold any more.
      this.#offered.clear()
      this.#standings.clear()
    }
    if (state.kind === 'online' || this.#offered.size === 0) this.refreshAll()
    else
      for (const row of this.#deps.rows.values())
        if (!row.paused) this.#stand(row.instrument, 'waiting', this.#obstacle(row) ?? because('listing.connecting'))
    if (state.kind === 'online' && !state.fresh)
      for (const instrument of this.#offered) this.#stand(instrument, 'listed', because('listing.open'))
  }

  #onEvent(event: VenueEvent): void {
    if (event.kind === 'notice') return this.#onNotice(event)
    if (event.kind !== 'offer') return
    const { instrument, error } = event
    if (!this.#deps.rows.has(instrument)) return
    const answer = this.#answers.get(instrument)
    this.#answers.delete(instrument)
    if (error === null) {
      if (this.#offered.has(instrument)) this.#stand(instrument, 'listed', because('listing.open'))
      answer?.resolve()
    } else {
      const stood = this.#offered.delete(instrument) && this.#standings.get(instrument)?.state === 'listed'
      const reason = refusalReason(error)
      this.#stand(instrument, 'refused', reason)
      // Nobody asked: it took back what stood.
      if (answer === undefined && stood) this.#context.host.notify('The exchange says', inWords(reason))
      answer?.reject(exchangeRefusal(error))
    }
  }

  refreshAll(): void {
    for (const row of this.#deps.rows.values()) this.refresh(row)
  }

  /** Why this listing cannot be offered now; null when it can. */
  #obstacle(row: ListingRow): Reason | null {
    // First: it holds whether the exchange can be reached or not.
    const stopped = this.#deps.stopped(row)
    if (stopped !== null) return stopped
    const state = this.#context.venue.state()
    // One text through all attempts, so that a long outage is not a change every second.
    if (state.kind !== 'online')
      return state.kind === 'connecting' && state.attempt === 1
        ? because('listing.connecting')
        : because('listing.exchangeAway')
    const hold = this.#deps.hold()
    if (hold !== null) return hold
    const { realm } = this.#context
    if (state.terms.realm !== realm) return because('listing.otherRealm', { theirs: state.terms.realm, ours: realm })
    const { deployments } = this.#deps
    if (deployments.loaded(row.deploymentId) !== null) return null
    const engine = deployments.engine(row.deploymentId)?.state()
    const kind = engine?.kind
    if (engine?.kind === 'starting' && engine.warmUp !== undefined) return because('listing.warmsUp')
    if (kind === 'broken') return because('listing.engineBroken')
    if (kind === 'backoff' || kind === 'starting') return because('listing.engineRestarting')
    return deployments.failure(row.deploymentId) ?? because('listing.modelNotLoaded')
  }

  #offer(row: ListingRow): void {
    const loaded = this.#deps.deployments.loaded(row.deploymentId)
    const spec = this.#deps.specOf(row.instrument)
    if (loaded === null || spec === null)
      return this.#stand(
        row.instrument,
        'waiting',
        because(spec === null ? 'listing.gradeNotTraded' : 'listing.modelNotLoaded'),
      )
    if (!this.#offered.has(row.instrument)) this.#deps.slots.follow(row, spec)
    this.#offered.add(row.instrument)
    const offer = {
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      identity: identityOf(loaded, loaded.model),
      ask: row.ask,
      slots: this.#deps.slots.of(row).slots,
      contextTokens: spec.limits.contextTokens,
      maxOutputTokens: spec.limits.outputTokens,
    }
    const sent = tell(this.#context.venue, (verbs) => verbs.declare(offer))
    if (!sent) this.#offered.delete(row.instrument)
    if (this.#standings.get(row.instrument)?.state !== 'listed')
      this.#stand(row.instrument, 'waiting', because(sent ? 'listing.offered' : 'listing.exchangeUnreachable'))
  }

  /**
   * What the exchange tells the owner: beside the listing it is about, and to the host where something is to be done.
   */
  #onNotice({ level, text, instrument, reason }: Extract<VenueEvent, { kind: 'notice' }>): void {
    const why = checkedReason(reason) ?? said(text)
    // When its qualification ends the listing says by itself.
    const known = why.code === 'exchange.qualificationEnds'
    if (instrument !== undefined && !known && this.#offered.has(instrument)) this.#stand(instrument, 'listed', why)
    if (level !== 'info' && this.#notices.take(text)) this.#context.host.notify('The exchange says', text)
  }

  #stand(instrument: string, state: Listing['state'], reason: Reason): void {
    const before = this.#standings.get(instrument)
    if (before?.state === state && storedReason(before.reason) === storedReason(reason)) return
    this.#standings.set(instrument, { state, reason, since: this.#context.clock.now() })
    this.#context.events.changed('listing')
  }
}
