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

export interface ListingRunner {
  listings(): Listing[]
  list(instrument: string, deploymentId: string, ask: number): Promise<Listing>
  pause(instrument: string): Listing
  resume(instrument: string): Promise<Listing>
  withdraw(instrument: string): boolean
  routeOf(instrument: string): Route | null
  /** At least one listing is wanted: neither paused nor refused. */
  wanted(): boolean
  /** Offers what should be offered and is not. */
  refresh(): void
  attach(): () => void
}

interface Standing { state: Listing['state']; reason: string; since: number }
interface Waiting { resolve(): void; reject(error: Error): void }

export function createListingRunner(context: CoreContext, deps: ListingsDeps): ListingRunner {
  const { realmDb, exchange, engine, clock, events } = context
  const rows = new Map<string, ListingRow>(storedListings(realmDb.read).map((row) => [row.instrument, row]))
  const standings = new Map<string, Standing>()
  /** Instruments the exchange holds an offer of ours for, or is being asked to. */
  const offered = new Set<string>()
  const oldAsks = new Map<string, { ask: number; until: number }>()
  const waiting = new Map<string, Waiting>()

  const stand = (instrument: string, state: Listing['state'], reason: string): void => {
    const before = standings.get(instrument)
    if (before?.state === state && before.reason === reason) return
    standings.set(instrument, { state, reason, since: clock.now() })
    events.changed('listing')
  }
  const view = (row: ListingRow): Listing => {
    const { state, reason, since } = standings.get(row.instrument) ?? { state: row.paused ? 'paused' : 'waiting', reason: row.paused ? 'paused by you' : 'starting', since: row.since }
    return { instrument: brandId<Instrument>(row.instrument), deploymentId: brandId<DeploymentId>(row.deploymentId), askNanoPerMtok: nanoPerMtok(row.ask), slots: row.slots, state, reason, since }
  }
  const trySend = (frame: SupplierFrame): boolean => {
    try {
      exchange.send(frame)
      return true
    } catch {
      return false
    }
  }
  const unoffer = (instrument: string): void => {
    if (offered.delete(instrument)) trySend({ t: 'withdraw', instrument: brandId<Instrument>(instrument) })
  }

  /** Why this listing cannot be offered now; null when it can. */
  const obstacle = (row: ListingRow): string | null => {
    const state = exchange.state()
    // One text through all attempts, so that a long outage is not a change every second.
    if (state.kind !== 'online') return state.kind === 'connecting' && state.attempt === 1 ? 'connecting to the exchange' : 'the exchange is not reachable; Stoker keeps trying'
    const loaded = deps.deployments.loaded()
    if (loaded?.deploymentId === row.deploymentId) return null
    const { kind } = engine.state()
    if (kind === 'broken') return 'the engine stopped after repeated crashes; start it again on the models page'
    if (kind === 'backoff' || kind === 'starting') return 'the engine is restarting'
    return loaded === null ? 'its model is not loaded' : 'another model is loaded'
  }

  const offer = (row: ListingRow): void => {
    const loaded = deps.deployments.loaded()
    const spec = deps.specOf(row.instrument)
    if (loaded === null || spec === null) return stand(row.instrument, 'waiting', spec === null ? 'the exchange does not trade this grade now' : 'its model is not loaded')
    offered.add(row.instrument)
    const sent = trySend({
      t: 'offer', instrument: brandId<Instrument>(row.instrument), deploymentId: brandId<DeploymentId>(row.deploymentId),
      identity: { kind: 'gguf', sha256: brandId<ModelSha256>(loaded.sha256), engine: loaded.model.engine, device: loaded.model.device },
      askNanoPerMtok: nanoPerMtok(row.ask), slots: loaded.model.slots, contextTokens: spec.limits.contextTokens, maxOutputTokens: spec.limits.outputTokens,
    })
    if (!sent) offered.delete(row.instrument)
    if (standings.get(row.instrument)?.state !== 'listed') stand(row.instrument, 'waiting', sent ? 'offered; the exchange has not answered yet' : 'the exchange is not reachable')
  }

  const refreshOne = (row: ListingRow): void => {
    if (row.paused) {
      unoffer(row.instrument)
      return stand(row.instrument, 'paused', 'paused by you')
    }
    const reason = obstacle(row)
    if (reason !== null) {
      unoffer(row.instrument)
      stand(row.instrument, 'waiting', reason)
    } else if (!offered.has(row.instrument) && standings.get(row.instrument)?.state !== 'refused') offer(row)
  }
  const refresh = (): void => {
    for (const row of rows.values()) refreshOne(row)
  }

  const save = (row: ListingRow): void => {
    realmDb.tx((db) => saveListing(db, row))
    rows.set(row.instrument, row)
    events.changed('listing')
  }

  const onFrame = (frame: ExchangeFrame): void => {
    if (frame.t !== 'offer.accepted' && frame.t !== 'offer.refused') return
    const { instrument } = frame
    if (!rows.has(instrument)) return
    const wait = waiting.get(instrument)
    waiting.delete(instrument)
    if (frame.t === 'offer.accepted') {
      if (offered.has(instrument)) stand(instrument, 'listed', 'open for jobs')
      wait?.resolve()
    } else {
      offered.delete(instrument)
      stand(instrument, 'refused', frame.error.message)
      wait?.reject(fromErrorValue(frame.error as ErrorValue))
    }
  }

  /** Offers the row and waits for the exchange's answer. Errors: its refusal; TIMEOUT. */
  const offerAndWait = async (row: ListingRow): Promise<void> => {
    const stop = new AbortController()
    const answer = new Promise<void>((resolve, reject) => {
      waiting.get(row.instrument)?.reject(new StokerError('CONFLICT', 'Another change of this listing came in between.'))
      waiting.set(row.instrument, { resolve, reject })
      clock.sleep(ANSWER_MS, { signal: stop.signal, unref: true }).then(() => reject(new StokerError('TIMEOUT', 'The exchange did not answer; the listing is kept and offered again.')), () => undefined)
    })
    offered.delete(row.instrument)
    standings.delete(row.instrument)
    refreshOne(row)
    if (!offered.has(row.instrument)) {
      const { reason } = standings.get(row.instrument) ?? { reason: 'it cannot be offered now' }
      waiting.get(row.instrument)?.reject(new StokerError('UNAVAILABLE', `The listing is kept and waits: ${reason}.`))
    }
    try {
      await answer
    } finally {
      stop.abort()
    }
  }

  const rowOf = (instrument: string): ListingRow => {
    const row = rows.get(instrument)
    if (row === undefined) throw new StokerError('NOT_FOUND', 'Nothing is listed for this grade.')
    return row
  }

  const list = async (instrument: string, deploymentId: string, ask: number): Promise<Listing> => {
    if (exchange.state().kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable now; Stoker keeps trying. List again when it is back.')
    const deployment = deps.deployments.find(deploymentId)
    if (deployment === null) throw new StokerError('NOT_FOUND', 'This deployment does not exist any more; load the model again.')
    const spec = deps.specOf(instrument)
    if (spec === null) throw new StokerError('NOT_FOUND', 'The exchange does not trade this grade.')
    const qualified = deps.qualifications().some((one) => one.instrument === instrument && one.sha256 === deployment.sha256 && one.specVersion === spec.version)
    if (!qualified) throw new StokerError('NOT_QUALIFIED', 'This model has not passed the exam of this grade (or the pass has run out); take the exam first.')
    const model = await deps.deployments.ensureLoaded(deploymentId)
    const before = rows.get(instrument) ?? null
    if (before !== null && before.ask !== ask) oldAsks.set(instrument, { ask: before.ask, until: clock.mono() + OLD_ASK_MS })
    const row = { instrument, deploymentId, ask, slots: model.slots, paused: false, since: clock.now() }
    save(row)
    try {
      await offerAndWait(row)
    } catch (error) {
      if (error instanceof StokerError && !KEPT.includes(error.code)) undo(instrument, before)
      throw error
    }
    return view(row)
  }
  /** A refused offer leaves the listing as it was before. */
  const undo = (instrument: string, before: ListingRow | null): void => {
    oldAsks.delete(instrument)
    standings.delete(instrument)
    if (before === null) {
      realmDb.tx((db) => deleteListing(db, instrument))
      rows.delete(instrument)
      events.changed('listing')
    } else {
      save(before)
      refreshOne(before)
    }
  }

  return {
    listings: () => [...rows.values()].map(view),
    list,
    pause(instrument) {
      save({ ...rowOf(instrument), paused: true })
      refreshOne(rowOf(instrument))
      return view(rowOf(instrument))
    },
    async resume(instrument) {
      const row = { ...rowOf(instrument), paused: false }
      save(row)
      standings.delete(instrument)
      if (exchange.state().kind !== 'online') refreshOne(row)
      else {
        await deps.deployments.ensureLoaded(row.deploymentId)
        await offerAndWait(row)
      }
      return view(rowOf(instrument))
    },
    withdraw(instrument) {
      unoffer(instrument)
      standings.delete(instrument)
      rows.delete(instrument)
      const gone = realmDb.tx((db) => deleteListing(db, instrument))
      events.changed('listing')
      return gone
    },
    routeOf(instrument) {
      const row = rows.get(instrument)
      const spec = deps.specOf(instrument)
      const deployment = row === undefined ? null : deps.deployments.find(row.deploymentId)
      if (row === undefined || row.paused || spec === null || deployment === null) return null
      const old = oldAsks.get(instrument)
      const prices = old !== undefined && old.until > clock.mono() ? [row.ask, old.ask] : [row.ask]
      return { deploymentId: row.deploymentId, sha256: deployment.sha256, specVersion: spec.version, prices, bounds: spec.limits }
    },
    wanted: () => [...rows.values()].some((row) => !row.paused && standings.get(row.instrument)?.state !== 'refused'),
    refresh,
    attach() {
      const offs = [
        exchange.onFrame(onFrame),
        exchange.onState((state) => {
          if (state.kind === 'online' && state.fresh) {
            // The exchange forgot our offers with the session; a refusal may not hold any more.
            offered.clear()
            standings.clear()
          }
          if (state.kind === 'online' || offered.size === 0) refresh()
          else for (const row of rows.values()) if (!row.paused) stand(row.instrument, 'waiting', obstacle(row) ?? 'connecting to the exchange')
          if (state.kind === 'online' && !state.fresh) for (const instrument of offered) stand(instrument, 'listed', 'open for jobs')
        }),
        engine.onState(() => refresh()),
        events.on((topic) => {
          // A pass just won, or a deployment just loaded, may be what a listing waited for.
          if (topic === 'deployments' || topic === 'engine') refresh()
        }),
      ]
      refresh()
      return () => {
        for (const off of offs) off()
      }
    },
  }
}
