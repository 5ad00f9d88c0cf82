/**
 * The seller's money path on a real database: jobs over a fake exchange and a fake engine; it can be killed at any
 * commit and started again.
 */
import { join } from 'node:path'

import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { createBooks } from '#books/books.ts'
import { brandId, type DeploymentId, type ModelSha256 } from '#contract/ids.ts'
import { createSlotLeases } from '#core/capacity/index.ts'
import type { DeploymentsService, VenueContext } from '#core/core-context.ts'
import { createEvents } from '#core/events/index.ts'
import { createJobs, jobsApi, MeasuresOfAll, type ExamSink, type Jobs, type Route } from '#core/jobs/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { createOs } from '#core/os.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { createFakeEngine, type FakeEngine, type FakeEngineOptions } from './fake-engine.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'

import { countingIds } from './counting-ids.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { createFakeEngines } from './fake-engines.ts'
import { FakeExchange, NANO_INSTRUMENT } from './fake-exchange.ts'
import { VENUE_FACTS } from './venue.ts'

export const MODEL = brandId<ModelSha256>('a'.repeat(64))
export const DEPLOYMENT = brandId<DeploymentId>('dep_1')
const SETTINGS = { contextTokens: 256, slots: 2, threads: 1, gpuLayers: 0, prefixReuse: false }

class FakeKill extends Error {}

/** Lets a test end the process just before or just after the n-th next commit. */
class KillableDb implements Db {
  readonly #db: Db
  readonly #onKill: () => void
  plan: { commits: number; when: 'before' | 'after' } | null = null
  dead = false

  constructor(db: Db, onKill: () => void) {
    this.#db = db
    this.#onKill = onKill
  }

  get path(): string {
    return this.#db.path
  }

  get read(): Db['read'] {
    return this.#db.read
  }

  tx<T>(work: Parameters<Db['tx']>[0]): T {
    if (this.dead) throw new FakeKill('dead')
    const now = this.plan !== null && (this.plan.commits -= 1) < 0 ? this.plan.when : null
    const result = this.#db.tx((db) => {
      const value = work(db) as T
      if (now === 'before') this.#die()
      return value
    })
    if (now === 'after') this.#die()
    return result
  }

  #die(): never {
    this.dead = true
    this.#onKill()
    throw new FakeKill('killed')
  }

  afterCommit(effect: () => void): void {
    this.#db.afterCommit(effect)
  }

  trouble(): ReturnType<Db['trouble']> {
    return this.#db.trouble()
  }

  onTrouble(...listener: Parameters<Db['onTrouble']>): () => void {
    return this.#db.onTrouble(...listener)
  }

  tryWrite(): boolean {
    return !this.dead && this.#db.tryWrite()
  }

  close(): void {
    this.#db.close()
  }
}

export interface SellerOptions {
  /** That its exchange speaks at first; 1 by default. */
  protocol?: 1 | 2
  engine?: FakeEngineOptions
  exams?: Partial<ExamSink>
  price?: number
  /** A second deployment, of the same model, under this instrument. */
  second?: { instrument: string; deploymentId: string }
  /** What is listed, where a test brings real listings; by default the first deployment at `price`. */
  routeOf?: (instrument: string) => Route | null
}

/** Everything that survives a kill lives here; `boot` makes the rest anew. */
export class Seller {
  readonly exchange = new FakeExchange()
  readonly key = generateSigningKey()
  readonly clock = new FakeClock()
  readonly books = createBooks()
  readonly path: string
  readonly options: SellerOptions
  /** Of the first deployment. */
  engine!: FakeEngine
  engines!: ReturnType<typeof createFakeEngines<FakeEngine>>
  context!: VenueContext
  jobs!: Jobs
  /** The contract's calls about jobs. */
  api!: ReturnType<typeof jobsApi>
  #db!: KillableDb
  #port!: ReturnType<FakeExchange['port']>

  constructor(folder: string, options: SellerOptions = {}) {
    this.path = join(folder, 'practice.db')
    this.options = options
    this.exchange.protocol = options.protocol ?? 1
    this.boot()
  }

  boot(): void {
    const log = createLog('test')
    log.level = 'silent'
    this.engines = createFakeEngines<FakeEngine>({ make: () => createFakeEngine(this.options.engine) })
    this.engine = this.engines.of(DEPLOYMENT, { kind: 'local' }) as FakeEngine
    const { second } = this.options
    for (const id of [DEPLOYMENT, ...(second === undefined ? [] : [second.deploymentId])])
      void this.engines.of(id, { kind: 'local' }).load({ path: '/fake', sha256: MODEL }, SETTINGS)
    this.#port = this.exchange.port()
    this.#db = new KillableDb(openDb({ path: this.path, migrations: realmMigrations, log }), () => this.#port.kill())
    this.context = {
      clock: this.clock,
      ids: countingIds(),
      log,
      os: createOs(log),
      rigDb: this.#db,
      realmDb: this.#db,
      ...VENUE_FACTS,
      books: this.books,
      engines: this.engines,
      venue: this.#port,
      host: { mode: 'headless', notify: () => undefined },
      events: createEvents(),
      key: this.key,
      version: '0',
      dataDir: '',
      bundledModelsDir: '',
    }
    const { price = 1_000_000, exams = {} } = this.options
    const route: Route = {
      deploymentId: DEPLOYMENT,
      sha256: MODEL,
      specVersion: 1,
      prices: [onePrice(nanoPerMtok(price))],
      bounds: { contextTokens: 128, outputTokens: 64 },
      closed: null,
    }
    const routeOf = (instrument: string): Route | null => {
      if (instrument === second?.instrument) return { ...route, deploymentId: second.deploymentId }
      return instrument === NANO_INSTRUMENT ? route : null
    }
    this.jobs = createJobs(this.context, {
      deployments: this.deployments,
      capacity: createSlotLeases({ slotsOf: (id) => this.deployments.loaded(id)?.model.slots ?? null }),
      measures: new MeasuresOfAll(),
      power: { ofJob: () => null },
      routeOf: (instrument) => (this.options.routeOf ?? routeOf)(instrument),
      exams: { route: () => null, replied: () => undefined, ...exams },
    })
    this.api = jobsApi(this.context.os, () => this.jobs.calls)
    this.jobs.start()
  }

  /** How often each was said to be used. */
  readonly used = new Map<string, number>()

  readonly deployments: DeploymentsService = {
    find: (id) => ({ deploymentId: brandId<DeploymentId>(id), sha256: MODEL, modelName: 'fake', settings: SETTINGS }),
    ensureLoaded: async (id) => this.engines.of(id, { kind: 'local' }).load({ path: '/fake', sha256: MODEL }, SETTINGS),
    loaded: (id) => {
      const state = this.engines.made.get(id)?.state()
      return state?.kind === 'loaded' ? { ...this.deployments.find(id)!, model: state.model } : null
    },
    broken: () => [],
    restartBroken: async () => undefined,
    allLoaded: () => [...this.engines.made.keys()].flatMap((id) => this.deployments.loaded(id) ?? []),
    engine: (id) => this.engines.made.get(id) ?? null,
    failure: () => null,
    onModelChange: () => () => undefined,
    onChange: (listener) => {
      const offs = [...this.engines.made.values()].map((engine) => engine.onState(listener))
      return () => {
        for (const off of offs) off()
      }
    },
    used: (id) => void this.used.set(id, (this.used.get(id) ?? 0) + 1),
  }

  /** Ends the process at a later commit. */
  killAt(commits: number, when: 'before' | 'after'): void {
    this.#db.plan = { commits, when }
  }

  get dead(): boolean {
    return this.#db.dead
  }

  /** kill -9 (unless a planned one came first) and a new process on the same file. */
  async restart(): Promise<void> {
    this.#db.dead = true
    this.#port.kill()
    this.jobs.stop()
    await settle()
    this.#db.close()
    this.boot()
  }

  /** Runs `step` as the process would: a planned kill inside it ends the process, and nothing else. */
  run(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof FakeKill)) throw error
    }
  }

  /** Lets everything the engine and the exchange still have to say happen. */
  async drain(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < 3 && turns < 2_000; turns += 1) {
      const before = this.exchange.sent.length
      let moved = false
      this.run(() => {
        moved = this.exchange.deliver()
      })
      await this.clock.advance(10)
      quiet = moved || this.exchange.sent.length > before || this.jobs.live().length > 0 ? 0 : quiet + 1
    }
  }

  balance(account: string): { net: number; pending: number } {
    const { debits, credits, pendingDebits, pendingCredits } = this.books.balance(this.context.realmDb.read, account)
    return { net: Number(debits - credits), pending: pendingDebits - pendingCredits }
  }

  rows(sql: string): Record<string, unknown>[] {
    return this.context.realmDb.read.prepare<Record<string, unknown>>(sql).all()
  }

  close(): void {
    this.jobs.stop()
    this.#db.close()
  }
}
