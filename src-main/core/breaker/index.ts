/**
 * The breaker: one place that stops the sale when this machine cannot do what it sells, says why, tries itself, and goes
 * on. Its table is triggers.ts, its decisions breaker.ts.
 */
import { fail } from '#contract/errors.ts'
import type { VenueId } from '#contract/ids.ts'
import type { Reason } from '#contract/reasons.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import type { RecordedEvents } from '#core/events/index.ts'
import type { ModelsService } from '#core/models/index.ts'
import type { Storage } from '#core/storage/index.ts'
import type { Db } from '#db/db-types.ts'
import { every } from '#lib/every.ts'

import {
  checkBegun,
  checkEnded,
  CLOSED,
  dueChecks,
  letGo,
  reported,
  stoppedBy,
  tripsThrough,
  type BreakerState,
  type Trip,
} from './breaker.ts'
import type { BreakerPort } from './breaker.port.ts'
import { keepLooking } from './breaker.worker.ts'
import { KEY_LOOK_MS, watchKey, type SellerKeyFile } from './key-watch.ts'
import { selfCheck, type SelfCheckDeps } from './self-checks.ts'
import { TRIGGERS } from './triggers.ts'
import { brokenEngines, ofTheDisk, silentEngines } from './watches.ts'

export interface BreakerDeps {
  deployments: Pick<
    DeploymentsService,
    'allLoaded' | 'broken' | 'engine' | 'find' | 'loaded' | 'onModelChange' | 'restartBroken'
  >
  models: Pick<ModelsService, 'ready'>
  venues: readonly { venueId: VenueId; realmDb: Db }[]
  recorded: RecordedEvents
  /** How much of a deployment lies in main memory since it spilled; null where nobody can say. */
  spilled?: SelfCheckDeps['spilled']
  sellerKey: SellerKeyFile
  storage: Pick<Storage, 'listen' | 'look' | 'gone'>
}
export type BreakerContext = Pick<CoreContext, 'clock' | 'ids' | 'log' | 'events' | 'rigDb'>

export interface Breaker extends BreakerPort {
  /** All through which nothing is sold now, the oldest first; `checkInMs` until the next self-check. */
  trips(): (Trip & { checkInMs: number })[]
  start(): void
  /** Resolves when nothing of it looks any more; a self-check under way is left to end. */
  stop(): Promise<void>
}

/** Holds the state, and tells whoever listens of what changed in it. */
class BreakerRunner {
  readonly #context: BreakerContext
  readonly #deps: BreakerDeps
  readonly #checks: SelfCheckDeps
  readonly #listeners = new Set<() => void>()
  #state: BreakerState = CLOSED
  #stopped = false

  constructor(context: BreakerContext, deps: BreakerDeps, checks: SelfCheckDeps) {
    this.#context = context
    this.#deps = deps
    this.#checks = checks
  }

  get state(): BreakerState {
    return this.#state
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  report: BreakerPort['report'] = (what) => {
    const { clock } = this.#context
    const nameOf = (id: string): string => this.#deps.deployments.find(id)?.modelName ?? id
    const before = this.#state
    this.#become(reported(before, what, nameOf, { now: clock.now(), mono: clock.mono() }))
    for (const trip of this.#state.trips.values()) {
      if (!before.trips.has(trip.id)) this.#record('breaker.stopped', trip, trip.reason)
    }
  }

  /** Begins every self-check that is due. */
  checkDue(): void {
    for (const { id } of dueChecks(this.#state, this.#context.clock.mono())) void this.check(id)
  }

  /** The disks are well again: what was stopped for them is checked now, however long its pause has become. */
  checkDisks(): void {
    for (const { id, kind, checking } of this.#state.trips.values())
      if (!checking && (kind === 'books-not-writable' || kind === 'folder-gone')) void this.check(id)
  }

  /** Runs one self-check; what it found, null when it may be sold again. */
  async check(id: string): Promise<Reason | null> {
    const trip = this.#state.trips.get(id)
    if (trip === undefined) return null
    this.#state = checkBegun(this.#state, id)
    const found = await selfCheck(this.#checks, trip)
    if (this.#stopped || !this.#state.trips.has(id)) return found
    this.#record(found === null ? 'breaker.passed' : 'breaker.failed', trip, found ?? trip.reason)
    this.#become(checkEnded(this.#state, id, found, this.#context.clock.mono()))
    return found
  }

  /** By the owner's word. */
  letGo(trip: Trip): void {
    this.#record('breaker.byHand', trip, trip.reason)
    this.#become(letGo(this.#state, trip.id, this.#context.clock.mono()))
  }

  stop(): void {
    this.#stopped = true
    this.#listeners.clear()
  }

  #record(what: string, { kind, subject }: Trip, reason: Reason): void {
    this.#deps.recorded.record({ what, subject: subject === '' ? kind : `${kind} ${subject}`, reason })
  }

  #become(next: BreakerState): void {
    const changed = next.trips !== this.#state.trips
    this.#state = next
    if (!changed) return
    for (const topic of ['engine', 'listing'] as const) this.#context.events.changed(topic)
    for (const listener of this.#listeners) listener()
  }
}

export function createBreaker(context: BreakerContext, deps: BreakerDeps): Breaker {
  const { clock, rigDb, log } = context
  const keyGone = watchKey(deps.sellerKey)
  const runner = new BreakerRunner(context, deps, {
    ...context,
    ...deps,
    dbOf: (subject) =>
      subject === '' ? rigDb : (deps.venues.find(({ venueId }) => venueId === subject)?.realmDb ?? null),
    spilled: deps.spilled ?? (() => Promise.resolve(null)),
    books: deps.storage,
    keyGone,
  })
  const tick = (): void => {
    for (const what of [...silentEngines(deps), ...brokenEngines(deps)]) runner.report(what)
    runner.checkDue()
  }
  let stop: () => Promise<void> = () => Promise.resolve()
  return {
    report: runner.report,
    why: (through) => stoppedBy(runner.state, through)?.reason ?? null,
    onChange: (listener) => runner.onChange(listener),
    trips: () =>
      [...runner.state.trips.values()]
        .map((trip) => ({ ...trip, checkInMs: Math.max(0, trip.checkAt - clock.mono()) }))
        .toSorted((a, b) => a.since - b.since),
    async relist(through, instrument) {
      const trips = tripsThrough(runner.state, through)
      if (trips.length === 0) throw fail('breaker.notStopped', { instrument })
      for (const trip of trips) {
        if (TRIGGERS[trip.kind].byHand === 'relist') runner.letGo(trip)
        else {
          const reason = await runner.check(trip.id)
          if (reason !== null) throw fail('breaker.stillSo', { reason })
        }
      }
    },
    start() {
      const stopLooking = keepLooking(context, tick)
      const keyLoop = every(
        clock,
        KEY_LOOK_MS,
        async () => {
          const path = await keyGone()
          if (path !== null) runner.report({ kind: 'key-gone', path })
        },
        { onError: (error) => log.error({ err: error }, 'the breaker could not look at the key; it looks again') },
      )
      const offDisks = deps.storage.listen({
        trouble: (trouble) => runner.report(ofTheDisk(trouble, deps.storage)),
        back: () => runner.checkDisks(),
      })
      // The files of models are watched where they are in memory.
      const off = deps.deployments.onModelChange(({ sha256, path, found }) =>
        runner.report({ kind: 'changed-file', sha256, path, found }),
      )
      stop = async () => {
        off()
        offDisks()
        keyLoop.stop()
        await stopLooking()
      }
    },
    stop() {
      runner.stop()
      return stop()
    },
  }
}
