/**
 * What the owner wants, one for each instrument: listed at an ask, paused, withdrawn. What the exchange is offered
 * follows (offers.ts); accepted work is finished after a pause, a withdrawal or a change of the deployment
 * (drains.ts).
 */
import { fail, StokerError, type ErrorCode } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { Listing } from '#contract/market.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { asOnePrice, samePrice, type Price } from '#contract/money.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { BreakerPort, SoldThrough } from '#core/breaker/breaker.port.ts'
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import type { Route, ServingService } from '#core/jobs/index.ts'

import { Drains } from './drains.ts'
import { listingView } from './listing-view.ts'
import {
  deleteListing,
  recordListing,
  saveListing,
  storedListings,
  type ListingChange,
  type ListingRow,
} from './listings.store.ts'
import { OfferedSlots, type Pass } from './offered-slots.ts'
import { Offers } from './offers.ts'

/** A job may have been matched at the old ask just before the exchange heard of the new one. */
const OLD_ASK_MS = 10 * SECOND_MS
/** Errors after which the listing stays and is offered again later; any other is the exchange's refusal. */
const KEPT: readonly ErrorCode[] = ['TIMEOUT', 'CONFLICT', 'UNAVAILABLE']

export type BreakerListings = Pick<BreakerPort, 'why' | 'onChange' | 'relist'>

export interface ListingsDeps {
  deployments: DeploymentsService
  qualifications(): readonly Pass[]
  specOf(instrument: string): GradeSpec | null
  /** When the last pass of a model ends, or ended; null when it never passed. */
  passedUntil?(instrument: string, sha256: string, specVersion: number): number | null
  /** Called after each pass with its grade. */
  onPassed?(listener: (instrument: string) => void): () => void
  /** Says where nothing may be sold, and why; without one everything may. */
  breaker?: BreakerListings
  /** The jobs; a function, since they are built after the listings they ask for their routes. */
  jobs(): ServingService
}

/** What the exchange gets for a job that comes all the same. */
const closedWhy = (row: ListingRow): Reason =>
  because(
    row.pausedWhy === null || row.pausedWhy.code === 'listing.restored'
      ? 'listing.closedPaused'
      : 'listing.closedHandedBack',
  )

/** What listing `after` anew means beside what stood there. */
function changeOf(before: ListingRow | null, after: ListingRow): ListingChange {
  if (before === null) return 'listed'
  if (before.paused !== after.paused) return after.paused ? 'paused' : 'resumed'
  if (before.deploymentId !== after.deploymentId) return 'moved'
  return before.ask === after.ask ? 'listed' : 're-priced'
}

export class ListingRunner {
  readonly #context: VenueContext
  readonly #deps: ListingsDeps
  readonly #rows: Map<string, ListingRow>
  readonly #oldAsks = new Map<string, { ask: Price; until: number }>()
  readonly #slots: OfferedSlots
  readonly #offers: Offers
  readonly #drains: Drains
  /** Withdrawn while jobs of theirs ran; shown until those are done. */
  readonly #withdrawn = new Map<string, ListingRow>()

  constructor(context: VenueContext, deps: ListingsDeps) {
    const { clock, events } = context
    this.#context = context
    this.#deps = deps
    this.#rows = new Map(storedListings(context.realmDb.read).map((row) => [row.instrument, row]))
    this.#slots = new OfferedSlots({
      clock,
      deployments: deps.deployments,
      passes: () => deps.qualifications(),
      serving: () => deps.jobs(),
    })
    this.#drains = new Drains({
      clock,
      running: (instrument, deploymentId) => deps.jobs().runningOf(instrument, deploymentId),
      giveUp: (instrument, deploymentId, reason) => void deps.jobs().giveUp(instrument, deploymentId, reason),
      changed: () => events.changed('listing'),
    })
    this.#offers = new Offers(context, {
      ...deps,
      stopped: (row) => this.#stopped(row),
      qualifiedUntil: (row) => this.#qualifiedUntil(row),
      hold: () => deps.jobs().hold(),
      onHold: (listener) => deps.jobs().onHold(listener),
      slots: this.#slots,
      rows: this.#rows,
    })
  }

  listings(): Listing[] {
    const gone = [...this.#withdrawn.values()].filter(
      ({ instrument }) => !this.#rows.has(instrument) && this.#drains.of(instrument) !== null,
    )
    return [...[...this.#rows.values()].map((row) => this.#view(row)), ...gone.map((row) => this.#view(row))]
  }

  /** No accepted work is left of what was paused, withdrawn or moved to another deployment. */
  get drained(): boolean {
    return this.#drains.idle
  }

  /** At least one listing is wanted: neither paused nor refused. */
  wanted(): boolean {
    return [...this.#rows.values()].some((row) => !row.paused && !this.#offers.refused(row.instrument))
  }

  /**
   * Lists or re-prices, and waits for the exchange's answer. A refused offer leaves the listing as it was before.
   * Errors: contract/market.ts, `list`.
   */
  async list(instrument: string, deploymentId: string, ask: Price): Promise<Listing> {
    const { clock } = this.#context
    this.#checkRequest(instrument, deploymentId)
    // Before anything is stored: what the venue cannot say is not listed.
    if (this.#context.venue.capabilities.onePrice) asOnePrice(ask)
    const model = await this.#deps.deployments.ensureLoaded(deploymentId)
    const before = this.#rows.get(instrument) ?? null
    if (before !== null && !samePrice(before.ask, ask))
      this.#oldAsks.set(instrument, { ask: before.ask, until: clock.mono() + OLD_ASK_MS })
    const row = {
      instrument,
      deploymentId,
      ask,
      slots: model.slots,
      paused: false,
      pausedWhy: null,
      since: clock.now(),
    }
    this.#save(row, changeOf(before, row))
    this.#takesJobs(row)
    if (before !== null && before.deploymentId !== deploymentId) this.#drains.begin(instrument, before.deploymentId)
    try {
      await this.#offers.offerAndWait(row)
    } catch (error) {
      if (error instanceof StokerError && !KEPT.includes(error.code)) this.#undo(row, before, error.reason)
      throw error
    }
    return this.#view(row)
  }

  /** No new jobs; accepted ones are finished (drains.ts). */
  pause(instrument: string): Listing {
    const row = { ...this.#rowOf(instrument), paused: true, pausedWhy: null }
    this.#save(row, 'paused')
    this.#offers.refresh(row)
    this.#drains.begin(instrument, row.deploymentId)
    return this.#view(row)
  }

  /** Pauses everything that is not paused, in one commit, with a reason that lasts; the instruments. */
  pauseAll(why: Reason): string[] {
    const rows = [...this.#rows.values()]
      .filter(({ paused }) => !paused)
      .map((row) => ({ ...row, paused: true, pausedWhy: why }))
    this.#context.realmDb.tx((db) => {
      for (const row of rows) {
        saveListing(db, row)
        recordListing(db, row, 'paused', why, this.#context.clock.now())
      }
    })
    for (const row of rows) {
      this.#rows.set(row.instrument, row)
      this.#offers.refresh(row)
      this.#drains.begin(row.instrument, row.deploymentId)
    }
    if (rows.length > 0) this.#context.events.changed('listing')
    return rows.map(({ instrument }) => instrument)
  }

  /** Takes jobs again, and loads its model when that has left the memory. */
  async resume(instrument: string): Promise<Listing> {
    const row = { ...this.#rowOf(instrument), paused: false, pausedWhy: null }
    this.#save(row, 'resumed')
    this.#offers.forget(instrument)
    this.#takesJobs(row)
    const loaded = this.#deps.deployments.ensureLoaded(row.deploymentId)
    if (this.#context.venue.state().kind === 'online') {
      await loaded
      await this.#offers.offerAndWait(row)
    } else {
      loaded.catch((error: unknown) =>
        this.#context.log.warn({ err: error, instrument }, 'the model of a resumed listing could not be loaded'),
      )
      this.#offers.refresh(row)
    }
    return this.#view(this.#rowOf(instrument))
  }

  /** The owner has read why Stoker stopped selling it. Errors: contract/market.ts, `relist`. */
  async relist(instrument: string): Promise<Listing> {
    const row = this.#rowOf(instrument)
    if (this.#deps.breaker === undefined) throw fail('breaker.notStopped', { instrument })
    await this.#deps.breaker.relist(this.#soldThrough(row), instrument)
    this.#offers.refresh(row)
    return this.#view(row)
  }

  /** Accepted jobs are finished and settle as ever; until then it is still shown. */
  withdraw(instrument: string): boolean {
    const row = this.#rows.get(instrument)
    this.#offers.withdraw(instrument)
    this.#offers.forget(instrument)
    this.#rows.delete(instrument)
    if (row !== undefined) {
      this.#withdrawn.set(instrument, {
        ...row,
        paused: true,
        pausedWhy: because('listing.withdrawn'),
      })
      this.#drains.begin(instrument, row.deploymentId)
    }
    const gone = this.#context.realmDb.tx((db) => {
      if (row !== undefined) recordListing(db, row, 'withdrawn', null, this.#context.clock.now())
      return deleteListing(db, instrument)
    })
    this.#context.events.changed('listing')
    return gone
  }

  /** How a job of this instrument would be served; null when it is not listed. */
  routeOf(instrument: string): Route | null {
    const row = this.#rows.get(instrument)
    const spec = this.#deps.specOf(instrument)
    const deployment = row === undefined ? null : this.#deps.deployments.find(row.deploymentId)
    if (row === undefined || spec === null || deployment === null) return null
    const old = this.#oldAsks.get(instrument)
    const prices = old !== undefined && old.until > this.#context.clock.mono() ? [row.ask, old.ask] : [row.ask]
    return {
      deploymentId: row.deploymentId,
      sha256: deployment.sha256,
      specVersion: spec.version,
      prices,
      bounds: spec.limits,
      closed: row.paused ? closedWhy(row) : this.#stopped(row),
    }
  }

  /** Follows exchange, engines and jobs; the returned function stops it. */
  attach(): () => void {
    const offs = [
      this.#offers.attach(),
      this.#deps.jobs().onEnded(() => this.#drains.settle()),
      this.#deps.onPassed?.((instrument) => this.#offers.requalified(instrument)) ?? (() => undefined),
      this.#deps.breaker?.onChange(() => this.#offers.refreshAll()) ?? (() => undefined),
    ]
    return () => {
      for (const off of offs) off()
      this.#drains.stop()
    }
  }

  /** Offers again where the machine delivers more or less than is offered, or where a qualification came to its end. */
  followCapacity(): void {
    this.#offers.followCapacity()
    this.#offers.followQualifications()
  }

  #soldThrough({ deploymentId }: ListingRow): SoldThrough {
    const sha256 = this.#deps.deployments.find(deploymentId)?.sha256 ?? null
    return { deploymentId, sha256, venueId: this.#context.venueId }
  }

  /** Why Stoker itself sells nothing of it now; null when it may. */
  #stopped(row: ListingRow): Reason | null {
    return this.#deps.breaker?.why(this.#soldThrough(row)) ?? null
  }

  /** When the last pass of its model ends, or ended; null where nobody is examined, or it never passed. */
  #qualifiedUntil({ instrument, deploymentId }: ListingRow): number | null {
    if (this.#context.venue.capabilities.exams === 'none') return null
    const sha256 = this.#deps.deployments.find(deploymentId)?.sha256
    const version = this.#deps.specOf(instrument)?.version
    return sha256 === undefined || version === undefined
      ? null
      : (this.#deps.passedUntil?.(instrument, sha256, version) ?? null)
  }

  /** What runs for it is ordinary work again. */
  #takesJobs({ instrument, deploymentId }: ListingRow): void {
    this.#withdrawn.delete(instrument)
    this.#drains.end(instrument, deploymentId)
  }

  #checkRequest(instrument: string, deploymentId: string): void {
    if (this.#context.venue.state().kind !== 'online') throw fail('listing.exchangeOffline')
    const deployment = this.#deps.deployments.find(deploymentId)
    if (deployment === null) throw fail('deployment.goneLoadAgain')
    const spec = this.#deps.specOf(instrument)
    if (spec === null) throw fail('listing.gradeUnknown')
    // A venue that examines nobody takes any model.
    if (this.#context.venue.capabilities.exams === 'none') return
    const passes = this.#deps
      .qualifications()
      .filter(
        (one) => one.instrument === instrument && one.sha256 === deployment.sha256 && one.specVersion === spec.version,
      )
    if (passes.some((one) => one.deploymentId === deploymentId)) return
    // The exchange knows files, not settings: what another device or context was examined with is not what this one does.
    if (passes.length > 0) throw fail('listing.otherDeployment')
    const until = this.#deps.passedUntil?.(instrument, deployment.sha256, spec.version) ?? null
    throw until === null || until > this.#context.clock.now()
      ? fail('listing.notQualified')
      : fail('listing.qualificationEnded', { instrument, until })
  }

  /** The exchange refused the offer: what stood before stands again. */
  #undo(row: ListingRow, before: ListingRow | null, reason: Reason): void {
    const { instrument } = row
    this.#oldAsks.delete(instrument)
    this.#offers.forget(instrument)
    this.#slots.forget(instrument)
    if (before === null) {
      this.#context.realmDb.tx((db) => {
        deleteListing(db, instrument)
        recordListing(db, row, 'withdrawn', reason, this.#context.clock.now())
      })
      this.#rows.delete(instrument)
      this.#context.events.changed('listing')
    } else {
      this.#save(before, changeOf(row, before), reason)
      this.#takesJobs(before)
      this.#offers.refresh(before)
    }
  }

  /** `reason` where it was not the owner's wish. */
  #save(row: ListingRow, change: ListingChange, reason: Reason | null = null): void {
    this.#context.realmDb.tx((db) => {
      saveListing(db, row)
      recordListing(db, row, change, reason, this.#context.clock.now())
    })
    this.#rows.set(row.instrument, row)
    this.#context.events.changed('listing')
  }

  #rowOf(instrument: string): ListingRow {
    const row = this.#rows.get(instrument)
    if (row === undefined) throw fail('listing.none')
    return row
  }

  #view(row: ListingRow): Listing {
    const facts = {
      venueId: this.#context.venueId,
      standing: this.#offers.standing(row),
      offered: this.#slots.of(row),
      slotsMax: this.#slots.max(row),
      draining: this.#drains.of(row.instrument),
      stopped: row.paused ? null : this.#stopped(row),
      qualifiedUntil: this.#qualifiedUntil(row),
      now: this.#context.clock.now(),
    }
    return listingView(row, facts)
  }
}
