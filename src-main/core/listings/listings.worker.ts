/**
 * Keeps the exchange's offers equal to the owner's wish: offers again after every fresh session and engine restart, withdraws while the engine
 * is down, and says in plain words why a listing waits.
 */
import { StokerError, fromErrorValue, type ErrorCode, type ErrorValue } from '#contract/errors.ts'
import { brandId, type DeploymentId, type Instrument, type ModelSha256 } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext, DeploymentsFace, QualificationFacts } from '#core/context.ts'
import type { ExchangeState } from '#core/exchange/exchange.port.ts'
import type { Route } from '#core/jobs/index.ts'

import { deleteListing, saveListing, storedListings, type ListingRow } from './listings.store.ts'

const ANSWER_MS = 10 * SECOND_MS
/** A job may have been matched at the old ask just before the exchange heard of the new one. */
const OLD_ASK_MS = 10 * SECOND_MS
/** Errors after which the wish stands and is offered again later; any other is the exchange's refusal. */
const KEPT: readonly ErrorCode[] = ['TIMEOUT', 'CONFLICT', 'UNAVAILABLE']

export interface ListingsDeps {
  deployments: DeploymentsFace
  qualifications(): QualificationFacts[]
  specOf(instrument: string): GradeSpec | null
}

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

  constructor(context: CoreContext, deps: ListingsDeps) {
    this.#context = context
    this.#deps = deps
    this.#rows = new Map(storedListings(context.realmDb.read).map((row) => [row.instrument, row]))
  }

  listings(): Listing[] {
    return [...this.#rows.values()].map((row) => this.#view(row))
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
    const row = { instrument, deploymentId, ask, slots: model.slots, paused: false, since: clock.now() }
    this.#save(row)
    try {
      await this.#offerAndWait(row)
    } catch (error) {
      if (error instanceof StokerError && !KEPT.includes(error.code)) this.#undo(instrument, before)
      throw error
    }
    return this.#view(row)
  }

  pause(instrument: string): Listing {
    this.#save({ ...this.#rowOf(instrument), paused: true })
    const row = this.#rowOf(instrument)
    this.#refreshOne(row)
    return this.#view(row)
  }

  async resume(instrument: string): Promise<Listing> {
    const row = { ...this.#rowOf(instrument), paused: false }
    this.#save(row)
    this.#standings.delete(instrument)
    if (this.#context.exchange.state().kind !== 'online') this.#refreshOne(row)
    else {
      await this.#deps.deployments.ensureLoaded(row.deploymentId)
      await this.#offerAndWait(row)
    }
    return this.#view(this.#rowOf(instrument))
  }

  withdraw(instrument: string): boolean {
    this.#unoffer(instrument)
    this.#standings.delete(instrument)
    this.#rows.delete(instrument)
    const gone = this.#context.realmDb.tx((db) => deleteListing(db, instrument))
    this.#context.events.changed('listing')
    return gone
  }

  /** How a job of this instrument would be served; null when it is not listed. */
  routeOf(instrument: string): Route | null {
    const row = this.#rows.get(instrument)
    const spec = this.#deps.specOf(instrument)
    const deployment = row === undefined ? null : this.#deps.deployments.find(row.deploymentId)
    if (row === undefined || row.paused || spec === null || deployment === null) return null
    const old = this.#oldAsks.get(instrument)
    const prices = old !== undefined && old.until > this.#context.clock.mono() ? [row.ask, old.ask] : [row.ask]
    return { deploymentId: row.deploymentId, sha256: deployment.sha256, specVersion: spec.version, prices, bounds: spec.limits }
  }

  /** Follows exchange and engine; the returned function stops it. */
  attach(): () => void {
    const { exchange, engine, events } = this.#context
    const offs = [
      exchange.onFrame((frame) => this.#onFrame(frame)),
      exchange.onState((state) => this.#onExchange(state)),
      engine.onState(() => this.#refresh()),
      // A deployment just loaded may be what a listing waited for.
      events.on((topic) => (topic === 'deployments' ? this.#refresh() : undefined)),
    ]
    this.#refresh()
    return () => {
      for (const off of offs) off()
    }
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
      return this.#stand(row.instrument, 'paused', 'paused by you')
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
    const loaded = this.#deps.deployments.loaded()
    if (loaded?.deploymentId === row.deploymentId) return null
    const { kind } = this.#context.engine.state()
    if (kind === 'broken') return 'the engine stopped after repeated crashes; start it again on the models page'
    if (kind === 'backoff' || kind === 'starting') return 'the engine is restarting'
    return loaded === null ? 'its model is not loaded' : 'another model is loaded'
  }

  #offer(row: ListingRow): void {
    const loaded = this.#deps.deployments.loaded()
    const spec = this.#deps.specOf(row.instrument)
    if (loaded === null || spec === null) return this.#stand(row.instrument, 'waiting', spec === null ? 'the exchange does not trade this grade now' : 'its model is not loaded')
    this.#offered.add(row.instrument)
    const sent = this.#trySend({
      t: 'offer',
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      identity: { kind: 'gguf', sha256: brandId<ModelSha256>(loaded.sha256), engine: loaded.model.engine, device: loaded.model.device },
      askNanoPerMtok: nanoPerMtok(row.ask),
      slots: loaded.model.slots,
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
    if (before === null) {
      this.#context.realmDb.tx((db) => deleteListing(db, instrument))
      this.#rows.delete(instrument)
      this.#context.events.changed('listing')
    } else {
      this.#save(before)
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
    const starting: Standing = { state: row.paused ? 'paused' : 'waiting', reason: row.paused ? 'paused by you' : 'starting', since: row.since }
    const { state, reason, since } = this.#standings.get(row.instrument) ?? starting
    return {
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      askNanoPerMtok: nanoPerMtok(row.ask),
      slots: row.slots,
      state,
      reason,
      since,
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
