/**
 * Keeps the exchange's offers equal to the owner's wish and to what the machine delivers: offers again after every fresh session and engine
 * restart and with every change of the slots, withdraws while the engine is down, finishes accepted work after a pause, a withdrawal or a change
 * of the deployment (drains.ts), and says in plain words why a listing waits.
 */
import { StokerError, fromErrorValue, type ErrorCode, type ErrorValue } from '#contract/errors.ts'
import { brandId, type DeploymentId, type Instrument } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext, DeploymentsFace } from '#core/context.ts'
import { identityOf } from '#core/deployments/identity.ts'
import type { ExchangeState } from '#core/exchange/exchange.port.ts'
import type { Route, ServingFace } from '#core/jobs/index.ts'

import { Drains } from './drains.ts'
import { deleteListing, saveListing, storedListings, type ListingRow } from './listings.store.ts'
import { OfferedSlots, type Pass } from './offered-slots.ts'

const ANSWER_MS = 10 * SECOND_MS
/** A job may have been matched at the old ask just before the exchange heard of the new one. */
const OLD_ASK_MS = 10 * SECOND_MS
/** Errors after which the wish stands and is offered again later; any other is the exchange's refusal. */
const KEPT: readonly ErrorCode[] = ['TIMEOUT', 'CONFLICT', 'UNAVAILABLE']

export interface ListingsDeps {
  deployments: DeploymentsFace
  qualifications(): readonly Pass[]
  specOf(instrument: string): GradeSpec | null
  /** The jobs; a function, since they are built after the listings they ask for their routes. */
  jobs(): ServingFace
}

const pausedReason = (row: ListingRow): string => row.pausedWhy ?? 'paused by you'
/** What the exchange is told of a job that comes all the same. */
const closedWhy = (row: ListingRow): string => (row.pausedWhy === null ? 'this listing was paused and takes no new jobs' : 'the owner took the machine back')

interface Standing {
  state: Listing['state']
  reason: string
  since: number
}
interface Answer {
  resolve: () => void
  reject: (error: Error) => void
}

export class ListingRunner {
  readonly #context: CoreContext
  readonly #deps: ListingsDeps
  readonly #rows: Map<string, ListingRow>
  readonly #standings = new Map<string, Standing>()
  /** Instruments the exchange holds an offer of ours for, or is being asked to. */
  readonly #offered = new Set<string>()
  readonly #oldAsks = new Map<string, { ask: number; until: number }>()
  readonly #answers = new Map<string, Answer>()
  readonly #slots: OfferedSlots
  readonly #drains: Drains
  /** Withdrawn while jobs of theirs ran; shown until those are done. */
  readonly #withdrawn = new Map<string, ListingRow>()

  constructor(context: CoreContext, deps: ListingsDeps) {
    const { clock, events } = context
    this.#context = context
    this.#deps = deps
    this.#slots = new OfferedSlots({ clock, deployments: deps.deployments, passes: () => deps.qualifications(), serving: () => deps.jobs() })
    this.#drains = new Drains({
      clock,
      running: (instrument, deploymentId) => deps.jobs().runningOf(instrument, deploymentId),
      giveUp: (instrument, deploymentId, message) => void deps.jobs().giveUp(instrument, deploymentId, message),
      changed: () => events.changed('listing'),
    })
    this.#rows = new Map(storedListings(context.realmDb.read).map((row) => [row.instrument, row]))
  }

  listings(): Listing[] {
    const gone = [...this.#withdrawn.values()].filter(({ instrument }) => !this.#rows.has(instrument) && this.#drains.of(instrument) !== null)
    return [...[...this.#rows.values()].map((row) => this.#view(row)), ...gone.map((row) => this.#view(row))]
  }

  /** No accepted work is left of what was paused, withdrawn or moved to another deployment. */
  get drained(): boolean {
    return this.#drains.idle
  }

  /** At least one listing is wanted: neither paused nor refused. */
  wanted(): boolean {
    return [...this.#rows.values()].some((row) => !row.paused && this.#standings.get(row.instrument)?.state !== 'refused')
  }

  /** Lists or re-prices, and waits for the exchange's answer. A refused offer leaves the listing as it was before. Errors: contract/market.ts, `list`. */
  async list(instrument: string, deploymentId: string, ask: number): Promise<Listing> {
    const { clock } = this.#context
    this.#checkWish(instrument, deploymentId)
    const model = await this.#deps.deployments.ensureLoaded(deploymentId)
    const before = this.#rows.get(instrument) ?? null
    if (before !== null && before.ask !== ask) this.#oldAsks.set(instrument, { ask: before.ask, until: clock.mono() + OLD_ASK_MS })
    const row = { instrument, deploymentId, ask, slots: model.slots, paused: false, pausedWhy: null, since: clock.now() }
    this.#save(row)
    this.#takesJobs(row)
    if (before !== null && before.deploymentId !== deploymentId) this.#drains.begin(instrument, before.deploymentId)
    try {
      await this.#offerAndWait(row)
    } catch (error) {
      if (error instanceof StokerError && !KEPT.includes(error.code)) this.#undo(instrument, before)
      throw error
    }
    return this.#view(row)
  }

  /** No new jobs; accepted ones are finished (drains.ts). */
  pause(instrument: string): Listing {
    const row = { ...this.#rowOf(instrument), paused: true, pausedWhy: null }
    this.#save(row)
    this.#refreshOne(row)
    this.#drains.begin(instrument, row.deploymentId)
    return this.#view(row)
  }

  /** Pauses everything that is not paused, in one commit, with a reason that lasts; the instruments. */
  pauseAll(why: string): string[] {
    const rows = [...this.#rows.values()].filter(({ paused }) => !paused).map((row) => ({ ...row, paused: true, pausedWhy: why }))
    this.#context.realmDb.tx((db) => {
      for (const row of rows) saveListing(db, row)
    })
    for (const row of rows) {
      this.#rows.set(row.instrument, row)
      this.#refreshOne(row)
      this.#drains.begin(row.instrument, row.deploymentId)
    }
    if (rows.length > 0) this.#context.events.changed('listing')
    return rows.map(({ instrument }) => instrument)
  }

  /** Takes jobs again, and loads its model when that has left the memory. */
  async resume(instrument: string): Promise<Listing> {
    const row = { ...this.#rowOf(instrument), paused: false, pausedWhy: null }
    this.#save(row)
    this.#standings.delete(instrument)
    this.#takesJobs(row)
    const loaded = this.#deps.deployments.ensureLoaded(row.deploymentId)
    if (this.#context.exchange.state().kind === 'online') {
      await loaded
      await this.#offerAndWait(row)
    } else {
      loaded.catch((error: unknown) => this.#context.log.warn({ err: error, instrument }, 'the model of a resumed listing could not be loaded'))
      this.#refreshOne(row)
    }
    return this.#view(this.#rowOf(instrument))
  }

  /** Accepted jobs are finished and settle as ever; until then it is still shown. */
  withdraw(instrument: string): boolean {
    const row = this.#rows.get(instrument)
    this.#unoffer(instrument)
    this.#standings.delete(instrument)
    this.#rows.delete(instrument)
    if (row !== undefined) {
      this.#withdrawn.set(instrument, { ...row, paused: true, pausedWhy: 'withdrawn; its accepted jobs are being finished' })
      this.#drains.begin(instrument, row.deploymentId)
    }
    const gone = this.#context.realmDb.tx((db) => deleteListing(db, instrument))
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
    return { deploymentId: row.deploymentId, sha256: deployment.sha256, specVersion: spec.version, prices, bounds: spec.limits, closed: row.paused ? closedWhy(row) : null }
  }

  /** Follows exchange and engine; the returned function stops it. */
  attach(): () => void {
    const { exchange } = this.#context
    const offs = [
      exchange.onFrame((frame) => this.#onFrame(frame)),
      exchange.onState((state) => this.#onExchange(state)),
      // A deployment just loaded may be what a listing waited for.
      this.#deps.deployments.onChange(() => this.#refresh()),
      this.#deps.jobs().onEnded(() => this.#drains.settle()),
    ]
    this.#refresh()
    return () => {
      for (const off of offs) off()
      this.#drains.stop()
    }
  }

  /** Offers again where the machine delivers more or less than is offered. */
  followCapacity(): void {
    for (const row of this.#rows.values()) {
      const spec = this.#deps.specOf(row.instrument)
      if (spec === null || !this.#offered.has(row.instrument)) continue
      const { slots } = this.#slots.of(row)
      if (!this.#slots.follow(row, spec)) continue
      if (this.#slots.of(row).slots !== slots) this.#offer(row)
      this.#context.events.changed('listing')
    }
  }

  /** What runs for it is ordinary work again. */
  #takesJobs({ instrument, deploymentId }: ListingRow): void {
    this.#withdrawn.delete(instrument)
    this.#drains.end(instrument, deploymentId)
  }

  #checkWish(instrument: string, deploymentId: string): void {
    if (this.#context.exchange.state().kind !== 'online')
      throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable now; Stoker keeps trying. List again when it is back.')
    const deployment = this.#deps.deployments.find(deploymentId)
    if (deployment === null) throw new StokerError('NOT_FOUND', 'This deployment does not exist any more; load the model again.')
    const spec = this.#deps.specOf(instrument)
    if (spec === null) throw new StokerError('NOT_FOUND', 'The exchange does not trade this grade.')
    const qualified = this.#deps.qualifications().some((one) => one.instrument === instrument && one.sha256 === deployment.sha256 && one.specVersion === spec.version)
    if (!qualified) throw new StokerError('NOT_QUALIFIED', 'This model has not passed the exam of this grade (or the pass has run out); take the exam first.')
  }

  #onExchange(state: ExchangeState): void {
    if (state.kind === 'online' && state.fresh) {
      // The exchange forgot our offers with the session; a refusal may not hold any more.
      this.#offered.clear()
      this.#standings.clear()
    }
    if (state.kind === 'online' || this.#offered.size === 0) this.#refresh()
    else for (const row of this.#rows.values()) if (!row.paused) this.#stand(row.instrument, 'waiting', this.#obstacle(row) ?? 'connecting to the exchange')
    if (state.kind === 'online' && !state.fresh) for (const instrument of this.#offered) this.#stand(instrument, 'listed', 'open for jobs')
  }

  #onFrame(frame: ExchangeFrame): void {
    if (frame.t === 'notice') return this.#onNotice(frame)
    if (frame.t !== 'offer.accepted' && frame.t !== 'offer.refused') return
    const { instrument } = frame
    if (!this.#rows.has(instrument)) return
    const answer = this.#answers.get(instrument)
    this.#answers.delete(instrument)
    if (frame.t === 'offer.accepted') {
      if (this.#offered.has(instrument)) this.#stand(instrument, 'listed', 'open for jobs')
      answer?.resolve()
    } else {
      this.#offered.delete(instrument)
      this.#stand(instrument, 'refused', frame.error.message)
      answer?.reject(fromErrorValue(frame.error as ErrorValue))
    }
  }

  #refresh(): void {
    for (const row of this.#rows.values()) this.#refreshOne(row)
  }

  /** Offers, withdraws or waits, as the wish and the state of engine and exchange have it. */
  #refreshOne(row: ListingRow): void {
    if (row.paused) {
      this.#unoffer(row.instrument)
      return this.#stand(row.instrument, 'paused', pausedReason(row))
    }
    const reason = this.#obstacle(row)
    if (reason !== null) {
      this.#unoffer(row.instrument)
      this.#stand(row.instrument, 'waiting', reason)
    } else if (!this.#offered.has(row.instrument) && this.#standings.get(row.instrument)?.state !== 'refused') this.#offer(row)
  }

  /** Why this listing cannot be offered now; null when it can. */
  #obstacle(row: ListingRow): string | null {
    const state = this.#context.exchange.state()
    // One text through all attempts, so that a long outage is not a change every second.
    if (state.kind !== 'online') return state.kind === 'connecting' && state.attempt === 1 ? 'connecting to the exchange' : 'the exchange is not reachable; Stoker keeps trying'
    const { realm } = this.#context
    if (state.terms.realm !== realm) return `this exchange trades in the ${state.terms.realm} realm, and this ledger is of the ${realm} realm`
    const { deployments } = this.#deps
    if (deployments.loaded(row.deploymentId) !== null) return null
    const kind = deployments.engine(row.deploymentId)?.state().kind
    if (kind === 'broken') return 'the engine stopped after repeated crashes; start it again on the models page'
    return kind === 'backoff' || kind === 'starting' ? 'the engine is restarting' : 'its model is not loaded'
  }

  #offer(row: ListingRow): void {
    const loaded = this.#deps.deployments.loaded(row.deploymentId)
    const spec = this.#deps.specOf(row.instrument)
    if (loaded === null || spec === null) return this.#stand(row.instrument, 'waiting', spec === null ? 'the exchange does not trade this grade now' : 'its model is not loaded')
    if (!this.#offered.has(row.instrument)) this.#slots.follow(row, spec)
    this.#offered.add(row.instrument)
    const sent = this.#trySend({
      t: 'offer',
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      identity: identityOf(loaded, loaded.model),
      askNanoPerMtok: nanoPerMtok(row.ask),
      slots: this.#slots.of(row).slots,
      contextTokens: spec.limits.contextTokens,
      maxOutputTokens: spec.limits.outputTokens,
    })
    if (!sent) this.#offered.delete(row.instrument)
    if (this.#standings.get(row.instrument)?.state !== 'listed')
      this.#stand(row.instrument, 'waiting', sent ? 'offered; the exchange has not answered yet' : 'the exchange is not reachable')
  }

  #unoffer(instrument: string): void {
    if (this.#offered.delete(instrument)) this.#trySend({ t: 'withdraw', instrument: brandId<Instrument>(instrument) })
  }

  /** Errors: the exchange's refusal; TIMEOUT, UNAVAILABLE or CONFLICT when it has not answered, cannot be asked, or was asked something newer. */
  async #offerAndWait(row: ListingRow): Promise<void> {
    const { instrument } = row
    const stop = new AbortController()
    const answered = new Promise<void>((resolve, reject) => {
      this.#answers.get(instrument)?.reject(new StokerError('CONFLICT', 'Another change of this listing came in between.'))
      this.#answers.set(instrument, { resolve, reject })
      this.#context.clock.sleep(ANSWER_MS, { signal: stop.signal, unref: true }).then(
        () => reject(new StokerError('TIMEOUT', 'The exchange did not answer; the listing is kept and offered again.')),
        () => undefined,
      )
    })
    this.#offered.delete(instrument)
    this.#standings.delete(instrument)
    this.#refreshOne(row)
    if (!this.#offered.has(instrument)) {
      const reason = this.#standings.get(instrument)?.reason ?? 'it cannot be offered now'
      this.#answers.get(instrument)?.reject(new StokerError('UNAVAILABLE', `The listing is kept and waits: ${reason}.`))
    }
    try {
      await answered
    } finally {
      stop.abort()
    }
  }

  #undo(instrument: string, before: ListingRow | null): void {
    this.#oldAsks.delete(instrument)
    this.#standings.delete(instrument)
    this.#slots.forget(instrument)
    if (before === null) {
      this.#context.realmDb.tx((db) => deleteListing(db, instrument))
      this.#rows.delete(instrument)
      this.#context.events.changed('listing')
    } else {
      this.#save(before)
      this.#takesJobs(before)
      this.#refreshOne(before)
    }
  }

  #save(row: ListingRow): void {
    this.#context.realmDb.tx((db) => saveListing(db, row))
    this.#rows.set(row.instrument, row)
    this.#context.events.changed('listing')
  }

  #rowOf(instrument: string): ListingRow {
    const row = this.#rows.get(instrument)
    if (row === undefined) throw new StokerError('NOT_FOUND', 'Nothing is listed for this grade.')
    return row
  }

  /** What the exchange tells the owner: beside the listing it is about, and to the host where something is to be done. */
  #onNotice({ level, text, instrument }: Extract<ExchangeFrame, { t: 'notice' }>): void {
    if (instrument !== undefined && this.#offered.has(instrument)) this.#stand(instrument, 'listed', text)
    if (level !== 'info') this.#context.host.notify('The exchange says', text)
  }

  #stand(instrument: string, state: Listing['state'], reason: string): void {
    const before = this.#standings.get(instrument)
    if (before?.state === state && before.reason === reason) return
    this.#standings.set(instrument, { state, reason, since: this.#context.clock.now() })
    this.#context.events.changed('listing')
  }

  #view(row: ListingRow): Listing {
    const starting: Standing = { state: row.paused ? 'paused' : 'waiting', reason: row.paused ? pausedReason(row) : 'starting', since: row.since }
    const { state, reason, since } = this.#standings.get(row.instrument) ?? starting
    const offered = this.#slots.of(row)
    const draining = this.#drains.of(row.instrument)
    return {
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      askNanoPerMtok: nanoPerMtok(row.ask),
      slots: offered.slots,
      slotsMax: this.#slots.max(row),
      slotsWhy: offered.why,
      state,
      reason,
      since,
      draining: draining === null ? null : { jobs: draining.jobs, until: draining.until },
    }
  }

  #trySend(frame: SupplierFrame): boolean {
    try {
      this.#context.exchange.send(frame)
      return true
    } catch {
      return false
    }
  }
}
