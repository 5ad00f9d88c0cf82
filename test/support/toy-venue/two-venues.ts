/**
 * One core that sells on two venues at once: our own exchange (a scripted one, in the frames of its protocol through
 * the real driver's mapping) and the toy market. Real databases, a fake clock, fake engines; it can be killed at any
 * crossing of its ports and started again.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { brandId, type DeploymentId, type Instrument, type VenueId } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { createCore, type Core } from '#core/core.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { insertVenue } from '#core/venues/index.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'

import { countingIds } from '../counting-ids.ts'
import { FakeClock, settle } from '../fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../fake-engine.ts'
import { createFakeEngines } from '../fake-engines.ts'
import { FAKE_SPEC, FakeExchange, NANO_INSTRUMENT } from '../fake-exchange.ts'
import { VENUE } from '../venue.ts'
import { dyingPort, type FakeLife } from './dying-port.ts'
import { FakeToyServer } from './fake-toy-server.ts'
import { ToyDriver } from './toy-driver.ts'

export const TOY = brandId<VenueId>('toy')
export const TOY_INSTRUMENT = brandId<Instrument>('toy/text')
const TOY_SPEC = { ...FAKE_SPEC, instrument: TOY_INSTRUMENT }
const forever = (): FakeLife => ({ left: Number.POSITIVE_INFINITY, crossed: 0 })
const unread = { name: 'none', read: () => Promise.resolve(null) }
/** Prompts with this word break the engine. */
export const BREAK = 'break'

export class TwoVenues {
  readonly folder: string
  readonly clock = new FakeClock()
  readonly exchange = new FakeExchange()
  readonly toy = new FakeToyServer()
  readonly key = generateSigningKey()
  toyKey = this.toy.key
  core!: Core
  life: FakeLife = forever()
  #answered = 0
  /** Jobs wait in the engine until `releaseAll`. */
  slow = false
  /** What the exchange answers waits. */
  exchangeMuted = false
  readonly #released = new Set<string>()
  deploymentId!: DeploymentId
  engines!: ReturnType<typeof createFakeEngines<FakeEngine>>

  constructor(folder: string) {
    this.folder = folder
    const rigDb = openDb({ path: join(folder, 'rig.db'), migrations: rigMigrations })
    rigDb.tx((db) =>
      insertVenue(db, {
        venueId: TOY,
        driver: 'toy',
        realm: 'simulated',
        unit: 'kudos',
        file: 'venues/toy.db',
        pinnedKey: null,
        state: 'active',
        createdAt: 1,
      }),
    )
    rigDb.close()
  }

  boot(life: FakeLife = forever()): void {
    const log = createLog('test')
    log.level = 'silent'
    this.life = life
    this.engines = createFakeEngines<FakeEngine>({
      make: () =>
        createFakeEngine({
          manual: true,
          answer: ({ messages }) =>
            messages.at(-1)?.content === BREAK
              ? { code: 'ENGINE_CRASHED', message: 'fake: broke', data: {} }
              : 'FAKE answer in words',
        }),
    })
    const toyPort = new ToyDriver({
      server: this.toy,
      key: () => this.toyKey,
      clock: this.clock,
      realm: 'simulated',
      unit: 'kudos',
      spec: TOY_SPEC,
    })
    this.core = createCore({
      dataDir: this.folder,
      clock: this.clock,
      ids: countingIds(),
      log,
      host: { mode: 'headless', notify: () => undefined },
      drivers: {
        stoker: () => dyingPort(this.exchange.port(), life),
        toy: () => dyingPort(toyPort, life),
      },
      engines: this.engines,
      calibrateOnDeploy: false,
      signingKey: this.key,
      version: '0',
      bundledModelsDir: join(this.folder, 'none'),
      powerSources: { gpu: unread, processor: unread },
    })
    this.core.start()
    this.exchange.online()
  }

  /** Model, deployment with two slots, a passed exam of our own exchange, and a listing on each venue. */
  async list(): Promise<void> {
    const { client } = this.core
    const path = join(this.folder, 'fake.gguf')
    writeFileSync(path, 'a fake model')
    let sha256 = ''
    for await (const step of await client.models.import({ path })) if (step.kind === 'done') ({ sha256 } = step.model)
    const deployed = await client.models.deploy({ sha256, settings: { slots: 2 } })
    this.deploymentId = brandId<DeploymentId>(deployed.deploymentId)
    const db = openDb({ path: join(this.folder, 'practice.db'), migrations: realmMigrations })
    db.tx((write) =>
      write
        .prepare(
          `INSERT INTO exams (exam_id, instrument, spec_version, spec_json, deployment_id, sha256, model_name, engine, device, slots, exchange, state, evidence, phase, done, at_most, limits_json, started_at, ended_at, valid_until, attempt, carried_json)
           VALUES ('exam_1', ?, 1, ?, ?, ?, 'fake', 'fake', 'fake', 2, ?, 'passed', 'witnessed', 'slots', 1, 1, '[]', 1, 2, 9000000000000, 1, '{}')`,
        )
        .run(NANO_INSTRUMENT, JSON.stringify(FAKE_SPEC), this.deploymentId, sha256, this.exchange.key.publicKey),
    )
    db.close()
    await this.run(300)
    for (const [venueId, instrument] of [
      [VENUE, NANO_INSTRUMENT],
      [TOY, TOY_INSTRUMENT],
    ] as const) {
      const listed = client.market.list({
        venueId,
        instrument,
        deploymentId: this.deploymentId,
        ask: onePrice(nanoPerMtok(1_000_000)),
      })
      await settle()
      await this.run(100)
      await listed
    }
  }

  /** Lets everybody say what they have to say for so long. */
  async run(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.#answerOffers()
      this.#deliver()
      await this.clock.advance(50)
      if (!this.slow) this.releaseAll()
      await settle()
    }
  }

  /** The engine answers what waits in it. */
  releaseAll(): void {
    for (const engine of this.engines.made.values())
      for (const { jobId } of engine.submitted)
        if (!this.#released.has(jobId)) {
          this.#released.add(jobId)
          engine.release(jobId)
        }
  }

  #deliver(): void {
    if (!this.exchangeMuted) return this.exchange.deliverAll()
    // Jobs come, answers to claims do not.
    const kept = this.exchange.queue.filter(({ t }) => t === 'job.settled')
    this.exchange.queue = this.exchange.queue.filter(({ t }) => t !== 'job.settled')
    this.exchange.deliverAll()
    this.exchange.queue.push(...kept)
  }

  /** The scripted exchange takes every offer. */
  #answerOffers(): void {
    for (; this.#answered < this.exchange.sent.length; this.#answered += 1) {
      const frame = this.exchange.sent[this.#answered]!
      if (frame.t === 'offer') this.exchange.push({ t: 'offer.accepted', instrument: frame.instrument })
    }
  }

  /** The process is gone, whatever it was doing; a new one on the same folder. */
  async restart(life: FakeLife = forever()): Promise<void> {
    this.life.left = 0
    await this.core.stop()
    this.boot(life)
    await this.run(300)
  }
}
