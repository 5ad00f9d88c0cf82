import { because, said } from '#contract/reasons.ts'
import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Live } from '#contract/app.ts'
import { brandId, type DeploymentId, type Instrument, type JobId, type ModelSha256 } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { HOUR_MS, MINUTE_MS, QUARTER_MS } from '#contract/time.ts'
import type { TradingService, VenueContext } from '#core/core-context.ts'
import { createEarnings } from '#core/earnings/index.ts'
import { createHome, homeApi, type HomeDeps } from '#core/home/index.ts'
import { createOnboarding } from '#core/onboarding/index.ts'
import { createPower } from '#core/power/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { createSettings } from '#core/settings/index.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { VENUE, VENUE_FACTS } from '#test/support/venue.ts'
import { inEnglish } from '#test/support/in-english.ts'

const TEXT = brandId<Instrument>('practice/text-nano')
const MODEL = brandId<ModelSha256>('a'.repeat(64))
const deployment = (id: string, state: Deployment['state']): Deployment => ({
  deploymentId: brandId<DeploymentId>(id),
  sha256: MODEL,
  modelName: `model of ${id}`,
  engine: { kind: 'local' },
  settings: {
    contextTokens: 256,
    slots: 4,
    threads: 1,
    gpuLayers: 0,
    processes: 1,
    gpus: 'together',
    kvType: 'f16',
    flashAttention: 'auto',
    batchTokens: 512,
  },
  createdAt: 0,
  state,
  detail: null,
  rssBytes: null,
  processes: [],
  idleUnloadMs: null,
  speed: null,
  cache: null,
  smaller: null,
})

let rig: RigContext
let realmDb: Db
beforeEach(() => {
  rig = rigContext()
  realmDb = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
})
afterEach(() => {
  realmDb.close()
  rig.dispose()
})

function start(
  trading: Partial<TradingService>,
  venue: Partial<VenueContext['venue']> = {},
  kwhPriceNano: number | null = 300_000_000,
  deps: Partial<HomeDeps> = {},
) {
  const context = {
    ...rig,
    realmDb,
    ...VENUE_FACTS,
    venue: { state: () => ({ kind: 'stopped' }), ...venue } as VenueContext['venue'],
  } as const
  const settings = createSettings(rig, 'rig')
  settings.change({ kwhPriceNano, powerCurrency: 'EUR' })
  const power = createPower(rig, {
    settings,
    running: () => 0,
    devices: () => [],
    billed: () => ({ tokens: 0, servedMs: 0 }),
    cores: 8,
    sources: {
      gpu: { name: 'none', read: () => Promise.resolve(null) },
      processor: { name: 'none', read: () => Promise.resolve(null) },
    },
  })
  const live: Live = {
    at: 0,
    engine: { kind: 'loaded', model: 'm', models: 1, detail: null },
    venues: [
      { venueId: VENUE, kind: 'online', lastSeenAt: rig.clock.now(), detail: null, cause: null, listing: 'listed' },
    ],
    tokPerS: 0,
    running: [true, false].map((exam, at) => ({
      venueId: VENUE,
      jobId: brandId<JobId>(`job_${at}`),
      instrument: TEXT,
      startedAt: 0,
      inputTokens: 0,
      outputTokens: 0,
      ttftMs: null,
      tokPerS: null,
      sellerNano: nano(0),
      exam,
    })),
    watts: null,
  }
  const service: TradingService = {
    live: () => live,
    listings: () => [],
    qualifications: () => [],
    exams: () => [],
    jobsSince: () => ({ jobs: 0, failed: 0 }),
    connectedShare: () => null,
    unbooked: () => [],
    inUse: () => null,
    ...trading,
  }
  const model = { state: 'ready' } as Awaited<ReturnType<Parameters<typeof createHome>[1]['models']['list']>>[number]
  const home = createHome(context, {
    trading: service,
    models: { list: () => Promise.resolve([model]) },
    deployments: { list: () => [deployment('old', 'stopped'), deployment('new', 'loaded')] },
    earnings: createEarnings(context, power),
    power,
    onboarding: createOnboarding(rig),
    demand: () => ({ jobsLastHour: 0, waiting: 0, cheaper: 0 }),
    ...deps,
  })
  return { home, power }
}

describe('gathering home', () => {
  it('takes the loaded deployment, the listing that sells, buyers’ jobs alone, and today since local midnight', async () => {
    // Two o'clock in Berlin: its day began at 23:00 UTC.
    const midnight = Date.UTC(2026, 10, 20, 23)
    realmDb.tx((db) => {
      for (const [quarter, gross] of [
        [midnight - QUARTER_MS, 1_000],
        [midnight, 100],
        [midnight + HOUR_MS, 10],
      ] as const)
        db.prepare(
          "INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, jobs, failed, gross_nano, seller_nano, released_nano) VALUES (?, ?, 'a', 'new', 1, 2, ?, ?, ?)",
        ).run(quarter, TEXT, gross, gross, gross / 10)
    })
    const listing = {
      venueId: VENUE,
      instrument: TEXT,
      deploymentId: brandId<DeploymentId>('new'),
      ask: onePrice(nanoPerMtok(420_000_000)),
      slots: 4,
      slotsMax: 4,
      slotsWhy: null,
      stopped: null,
      qualifiedUntil: null,
      draining: null,
      reason: said(''),
      since: 0,
    }
    const { home, power } = start(
      {
        listings: () => [
          { ...listing, state: 'paused' },
          { ...listing, state: 'listed' },
        ],
        jobsSince: () => ({ jobs: 1, failed: 0 }),
      },
      {
        state: () => ({
          kind: 'online',
          since: 0,
          fresh: true,
          terms: {
            realm: 'practice',
            unit: 'PCR',
            feeBps: 1_000,
            holdMs: 0,
            specs: [],
            exchange: rig.clock as never,
          },
        }),
      },
    )
    power.start()
    await rig.clock.advance(10 * MINUTE_MS)
    const shown = await call(
      homeApi(rig.os, () => home).home,
      { venueId: VENUE, zone: 'Europe/Berlin' },
      { context: { scopes: ALL_SCOPES } },
    )
    expect(inEnglish(shown)).toMatchObject({
      sentence: 'Serving practice/text-nano at 0.42 practice credits per million tokens. One job running.',
      today: { since: midnight, zone: 'Europe/Berlin', availableNano: 11, heldNano: 99, jobs: 2 },
      cost: { net: onePrice(nanoPerMtok(378_000_000)), powerCurrency: 'EUR' },
      reliability: { jobs24h: 3, failed24h: 6 },
    })
    expect(shown.today.powerNano).toBeGreaterThan(0)
    expect(inEnglish(shown.ladder.find(({ id }) => id === 'model'))).toMatchObject({
      state: 'yes',
      detail: 'model of new',
    })
    await power.stop()
  })

  it('today is the viewer’s: UTC for who names no zone, and an unknown one is refused', async () => {
    const { home } = start({})
    const api = homeApi(rig.os, () => home)
    const ask = (input?: { zone: string }) =>
      call(api.home, { venueId: VENUE, ...input }, { context: { scopes: ALL_SCOPES } })
    expect((await ask()).today).toMatchObject({ since: Date.UTC(2026, 10, 21), zone: 'UTC' })
    expect((await ask({ zone: 'Pacific/Kiritimati' })).today.since).toBe(Date.UTC(2026, 10, 21, 10))
    await expect(ask({ zone: 'Mars/Base' })).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } })
  })

  it('answers with nothing listed and an exchange that never spoke', async () => {
    expect(await start({}).home.current()).toMatchObject({
      cost: { ask: null, net: null },
      reliability: { errorCeiling: null },
      today: { jobs: 0, powerNano: 0 },
    })
  })

  it('tells of the deployment that is listed, not of another that happens to be in memory', async () => {
    const listing = {
      venueId: VENUE,
      instrument: TEXT,
      deploymentId: brandId<DeploymentId>('old'),
      ask: onePrice(nanoPerMtok(1)),
      slots: 4,
      slotsMax: 4,
      slotsWhy: null,
      stopped: null,
      qualifiedUntil: null,
      draining: null,
      reason: because('listing.modelNotLoaded'),
      since: 0,
    }
    const { home } = start({ listings: () => [{ ...listing, state: 'waiting' }] })
    expect(inEnglish((await home.current()).ladder.find(({ id }) => id === 'model'))).toMatchObject({
      state: 'no',
      detail: 'none is loaded',
    })
  })

  it('a model on a remote server is one to sell, without any file', async () => {
    const remote: Deployment = { ...deployment('far', 'loaded'), engine: { kind: 'remote', model: 'm', endpoints: [] } }
    const { home } = start({}, {}, null, {
      models: { list: () => Promise.resolve([]) },
      deployments: { list: () => [remote] },
    })
    expect(inEnglish((await home.current()).ladder.find(({ id }) => id === 'model'))).toMatchObject({
      state: 'yes',
      detail: 'model of far',
    })
  })

  it('says that electricity has no price yet, not that it costs nothing', async () => {
    const { home, power } = start({}, {}, null)
    power.start()
    await rig.clock.advance(10 * MINUTE_MS)
    expect((await home.current()).today.powerNano).toBeNull()
    await power.stop()
  })
})
