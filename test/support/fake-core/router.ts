/**
 * FakeCore: the whole contract in memory. Settings, onboarding, listings and theme really change; figures are invented.
 */
import { implement, ORPCError } from '@orpc/server'

import type { Onboarding, OwnUse, Settings } from '#contract/app.ts'
import { contract } from '#contract/index.ts'
import type { Exam } from '#contract/exams.ts'
import type { Listing } from '#contract/market.ts'
import type { CalibrationView, Deployment } from '#contract/models.ts'
import type { Nano } from '#contract/money.ts'

import { calibration, failed, loaded, onGpus, remote, slower } from './deployments.ts'
import { closed, drained, fewerOffered, WITHDRAWN } from './listings.ts'
import { csv, series, summary } from './series.ts'
import * as fake from './state.ts'

const sleep = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })

const failure = (code: string, message: string, data: Record<string, number> = {}): ORPCError<'STOKER', unknown> =>
  new ORPCError('STOKER', { status: 400, message, data: { code, data } })

export interface FakeCoreOptions {
  scenario: fake.Scenario
  contractHash?: string
  onboarding?: Onboarding
  examRunning?: boolean
  /** Ends the accepted jobs of a paused or withdrawn listing. */
  jobsDone?: AbortSignal
}

interface World {
  full: boolean
  settings: Settings
  onboarding: Onboarding
  listings: Listing[]
  deployments: Deployment[]
  ownUse: OwnUse
  calibrations: CalibrationView[]
  /** Accepted and not done: what a pause leaves to be finished. */
  accepted: number
  microState: Exam['state']
  nanoState: Exam['state']
}

const os = implement(contract)

function appPart(world: World, { scenario, contractHash }: FakeCoreOptions) {
  const { full } = world
  return {
    hello: os.app.hello.handler(() => ({
      version: '0.1.0',
      contractHash: contractHash ?? 'fake',
      mode: 'headless' as const,
      realm: 'practice' as const,
      currency: 'PCR' as const,
      now: Date.now(),
      dataDir: '/home/seller/.local/share/stoker',
      exchangeUrl: 'http://127.0.0.1:7447',
    })),
    events: os.app.events.handler(async function* ({ signal }) {
      yield { topic: 'settings' as const, version: 1 }
      for (let look = 0, seen = world.listings; look < 20_000; look += 1, await sleep(200, signal)) {
        if (signal?.aborted === true) return
        if (seen === world.listings) continue
        seen = world.listings
        yield { topic: 'listing' as const, version: 2 + look }
      }
    }),
    live: os.app.live.handler(async function* ({ signal }) {
      for (let beat = 0; beat < 10_000; beat += 1) {
        if (signal?.aborted === true) return
        yield fake.liveNow(full, Date.now())
        // The stale scenario falls silent after the first value.
        await sleep(scenario === 'stale' ? 3_600_000 : 1_000, signal)
      }
    }),
    home: os.app.home.handler(() => fake.home(full, Date.now())),
    hardware: os.app.hardware.handler(() =>
      scenario === 'several' ? onGpus(fake.hardware(Date.now())) : fake.hardware(Date.now()),
    ),
    power: os.app.power.handler(() => ({
      watts: {
        value: full ? 168 : 61,
        method: full ? 'read from the GPU (NVML)' : 'estimate: 16 cores × 8 W + 75 W serving, 30 % idle',
        at: Date.now(),
      },
      idle: null,
      methods: ['NVML', 'estimate'],
    })),
    settings: os.app.settings.handler(() => world.settings),
    updateSettings: os.app.updateSettings.handler(
      ({ input }) =>
        (world.settings = {
          ...world.settings,
          ...(Object.fromEntries(
            Object.entries(input).filter(([, value]) => value !== undefined),
          ) as Partial<Settings>),
        }),
    ),
    ownUse: os.app.ownUse.handler(() => world.ownUse),
    setOwnUse: os.app.setOwnUse.handler(({ input }) => {
      const enabled = input.enabled ?? world.ownUse.enabled
      const port = input.port ?? world.ownUse.port
      const problem = !enabled
        ? null
        : world.ownUse.keyMadeAt === null
          ? 'There is no key yet: make one, and it starts.'
          : port < 2_000
            ? `Port ${port} is taken; choose another.`
            : null
      return (world.ownUse = {
        ...world.ownUse,
        enabled,
        port,
        problem,
        url: enabled && problem === null ? `http://127.0.0.1:${port}/v1` : null,
      })
    }),
    ownUseKey: os.app.ownUseKey.handler(() => {
      const { enabled, port } = world.ownUse
      world.ownUse = {
        ...world.ownUse,
        keyMadeAt: Date.now(),
        problem: null,
        url: enabled ? `http://127.0.0.1:${port}/v1` : null,
      }
      return { key: `sk-own-${'k3j9d2m4p8s1x7q2'.repeat(2)}` }
    }),
    onboarding: os.app.onboarding.handler(() => world.onboarding),
    updateOnboarding: os.app.updateOnboarding.handler(
      ({ input }) =>
        (world.onboarding = {
          ...world.onboarding,
          startedAt: world.onboarding.startedAt ?? Date.now(),
          step: input.step ?? world.onboarding.step,
          skipped: input.skipped ?? world.onboarding.skipped,
        }),
    ),
    ledgerCheck: os.app.ledgerCheck.handler(() => ({
      ok: true,
      problems: [],
      accounts: 7,
      transfers: full ? 3_612 : 0,
      receipts: full ? 1_202 : 0,
      comparedWithExchange: true,
    })),
  }
}

const NOT_IN_MEMORY = {
  state: 'stopped' as const,
  detail: null,
  rssBytes: null,
  processes: [],
  speed: null,
  cache: null,
}

function modelsPart(world: World, { jobsDone }: FakeCoreOptions) {
  const { full } = world
  const changed = (deploymentId: string, change: Partial<Deployment>): Deployment => {
    const found = world.deployments.find((one) => one.deploymentId === deploymentId)
    if (found === undefined)
      throw failure('NOT_FOUND', 'This deployment does not exist any more; deploy the model again.')
    const next = { ...found, ...change }
    world.deployments = world.deployments.map((one) => (one === found ? next : one))
    return next
  }
  return {
    list: os.models.list.handler(() => (full ? [fake.bundled(Date.now()), fake.imported(Date.now())] : [])),
    inspect: os.models.inspect.handler(({ input }) => {
      if (!input.path.endsWith('.gguf'))
        throw failure(
          'MODEL_NOT_GGUF',
          'This file is not a GGUF model: its first bytes are not "GGUF". Choose the .gguf file itself.',
        )
      return fake.imported(Date.now())
    }),
    import: os.models.import.handler(async function* ({ signal }) {
      for (let part = 0; part <= 4; part += 1) {
        yield { kind: 'hashing' as const, doneBytes: part * 1e9, totalBytes: 4e9 }
        await sleep(150, signal)
      }
      yield { kind: 'done' as const, model: fake.imported(Date.now()) }
    }),
    remove: os.models.remove.handler(() => ({ removed: true })),
    deployments: os.models.deployments.handler(() => world.deployments),
    deploy: os.models.deploy.handler(({ input: { settings } }) => {
      const [slots, context] = [settings?.slots ?? 4, settings?.contextTokens ?? 1_024]
      if (slots * context > 1_000_000)
        throw failure(
          'ENGINE_OUT_OF_MEMORY',
          `Not enough memory for ${slots} slots of ${context} tokens. Use fewer slots, a shorter context or a smaller model.`,
          {
            slots: 1,
            contextTokens: context,
          },
        )
      return loaded(Date.now())
    }),
    unload: os.models.unload.handler(({ input }) => changed(input.deploymentId, NOT_IN_MEMORY)),
    retryEngine: os.models.retryEngine.handler(() => ({ state: 'starting' })),
    keepWarm: os.models.keepWarm.handler(({ input }) =>
      changed(input.deploymentId, { idleUnloadMs: input.idleUnloadMs }),
    ),
    calibration: os.models.calibration.handler(
      ({ input }) => world.calibrations.find(({ sha256 }) => sha256 === input.sha256) ?? null,
    ),
    calibrate: os.models.calibrate.handler(async function* ({ input, signal }) {
      for (let done = 0; done <= 4; done += 1) {
        yield { kind: 'measuring' as const, done, of: 4 }
        await sleep(150, signal)
      }
      const measured = { ...calibration(Date.now()), sha256: input.sha256, at: Date.now() }
      world.calibrations = [...world.calibrations.filter(({ sha256 }) => sha256 !== input.sha256), measured]
      yield { kind: 'done' as const, calibration: measured }
    }),
    remoteModels: os.models.remoteModels.handler(({ input }) => {
      if (!input.url.includes('lab'))
        throw failure(
          'ENGINE_UNREACHABLE',
          `${input.url} does not answer. Is the server running, and is this its address?`,
        )
      return [
        { id: 'llama-3.3-70b-instruct', contextTokens: 8_192 },
        { id: 'bge-m3', contextTokens: null },
      ]
    }),
    connectRemote: os.models.connectRemote.handler(({ input }) => {
      const endpoints = input.endpoints.map(({ url, key, slots }) => ({ url, slots, hasKey: key !== null }))
      const slots = endpoints.reduce((sum, endpoint) => sum + endpoint.slots, 0)
      const made = remote(Date.now())
      const processes = endpoints.map(({ url, slots: many }) => ({
        pid: null,
        name: url,
        state: 'loaded' as const,
        rssBytes: 0,
        running: 0,
        slots: many,
        threads: 0,
      }))
      const deployment = {
        ...made,
        processes,
        engine: { kind: 'remote' as const, model: input.model, endpoints },
        settings: { ...made.settings, contextTokens: input.contextTokens, slots },
      }
      world.deployments = [
        ...world.deployments.filter(({ deploymentId }) => deploymentId !== made.deploymentId),
        deployment,
      ]
      return deployment
    }),
    handBack: os.models.handBack.handler(async ({ input: { rule }, signal }) => {
      const began = Date.now()
      const paused = world.listings.map(({ instrument }) => instrument)
      world.listings = world.listings.map((one) =>
        closed(one, 'you took the machine back', rule === 'now' ? 0 : world.accepted, Date.now()),
      )
      const resumed = (): boolean => world.listings.some(({ state }) => state === 'listed')
      // Jobs that nobody ends take two seconds.
      if (rule === 'now') await sleep(300, signal)
      else
        for (
          let looked = 0;
          looked < (jobsDone === undefined ? 20 : 600) && world.accepted > 0 && !resumed();
          looked += 1
        )
          await sleep(100, signal)
      const nothing = { handedOff: 0, failed: 0, sellerNano: 0, lostTokens: 0 }
      const tookMs = Date.now() - began
      // Resumed meanwhile: called off.
      if (resumed()) return { tookMs, unloaded: 0, ...nothing, paused }
      const unloaded = world.deployments.filter(({ state }) => state === 'loaded').length
      world.deployments = world.deployments.map((one) => (one.state === 'loaded' ? { ...one, ...NOT_IN_MEMORY } : one))
      world.listings = drained(world.listings)
      return {
        tookMs,
        unloaded,
        ...(rule === 'now' ? { handedOff: 1, failed: 1, sellerNano: 24_600, lostTokens: 63 } : nothing),
        paused,
      }
    }),
  }
}

function examsPart(world: World) {
  const { full } = world
  const nano = () => fake.exam(fake.EXAM_NANO, Date.now(), world.nanoState)
  const micro = () => fake.exam(fake.EXAM_MICRO, Date.now(), world.microState)
  const find = (id: string) => (id === fake.EXAM_MICRO ? micro() : nano())
  const bare = (id: string): Exam => {
    const { items: _items, ...exam } = find(id)
    return exam
  }
  return {
    grades: os.exams.grades.handler(() =>
      fake.specs.map((spec, index) => {
        const exam = index === 0 ? nano() : micro()
        const state = exam.state === 'cancelled' ? ('none' as const) : exam.state
        return {
          spec,
          qualification: full
            ? { state, examId: exam.examId, deploymentId: fake.DEPLOYMENT, validUntil: exam.validUntil }
            : { state: 'none' as const, examId: null, deploymentId: null, validUntil: null },
        }
      }),
    ),
    list: os.exams.list.handler(() => (full ? [bare(fake.EXAM_NANO), bare(fake.EXAM_MICRO)] : [])),
    get: os.exams.get.handler(({ input }) => find(input.examId)),
    item: os.exams.item.handler(({ input }) => ({
      itemId: input.itemId,
      prompt: 'What is 16 + 7? Answer with the number only.',
      answer: '23',
      reply: '24',
      right: false,
      reason: 'integer: 24 is not 23',
    })),
    progress: os.exams.progress.handler(async function* ({ input, signal }) {
      yield find(input.examId)
      await sleep(3_600_000, signal)
    }),
    start: os.exams.start.handler(() => bare(fake.EXAM_NANO)),
    cancel: os.exams.cancel.handler(({ input }) => ({ ...bare(input.examId), state: 'cancelled' as const })),
    transcript: os.exams.transcript.handler(() => ({ json: '{}', sha256: 'a'.repeat(64) })),
  }
}

function marketPart(world: World) {
  const { full } = world
  const change = (instrument: string, to: (before: Listing) => Listing): Listing => {
    const before = world.listings.find((each) => each.instrument === instrument)
    if (before === undefined) throw failure('NOT_FOUND', 'Nothing is listed for this grade.')
    const listing = to(before)
    world.listings = world.listings.map((each) => (each === before ? listing : each))
    return listing
  }
  return {
    instruments: os.market.instruments.handler(() =>
      fake.specs.map((spec, index) => ({
        spec,
        realm: 'practice' as const,
        currency: 'PCR' as const,
        feeBps: 500,
        holdMs: 30_000,
        qualified: full && index === 0,
        whyNot: full && index === 0 ? null : 'No passed exam for this grade yet.',
      })),
    ),
    book: os.market.book.handler(({ input }) =>
      full && input.instrument === fake.NANO_GRADE
        ? {
            instrument: fake.NANO_GRADE,
            at: Date.now() - 2_100,
            rows: [
              ...(world.listings.some(({ state }) => state === 'listed') ? [fake.ASK] : []),
              440_000_000,
              520_000_000,
            ].map((ask, index) => ({
              askNanoPerMtok: ask as typeof fake.ASK,
              suppliers: ask === 440_000_000 ? 2 : 1,
              freeSlots: 2 + index,
              mine: ask === fake.ASK,
            })),
            jobsLastHour: 38,
            waiting: 0,
          }
        : null,
    ),
    quote: os.market.quote.handler(({ input }) => ({
      instrument: input.instrument,
      realm: 'practice' as const,
      currency: 'PCR' as const,
      askNanoPerMtok: input.askNanoPerMtok,
      feeBps: 500,
      netNanoPerMtok: input.askNanoPerMtok - Math.floor(input.askNanoPerMtok / 20),
      powerNanoPerMtok: full ? 187_400_000 : null,
      powerCurrency: 'EUR',
      powerMethod: full ? 'measured over 1,204 jobs' : '',
      place: full ? (input.askNanoPerMtok <= 440_000_000 ? 1 : 3) : null,
      of: full ? 4 : null,
      warnings:
        input.askNanoPerMtok > 520_000_000 ? ['Above every other ask: buyers come only when all others are full.'] : [],
    })),
    listings: os.market.listings.handler(() => world.listings),
    list: os.market.list.handler(({ input }) => {
      const listing: Listing = { ...fake.listing(Date.now()), ...input }
      world.listings = [...world.listings.filter((each) => each.instrument !== input.instrument), listing]
      return listing
    }),
    pause: os.market.pause.handler(({ input }) =>
      change(input.instrument, (before) => closed(before, 'paused by you', world.accepted, Date.now())),
    ),
    resume: os.market.resume.handler(({ input }) =>
      change(input.instrument, (before) => ({
        ...before,
        state: 'listed',
        reason: 'open for jobs',
        since: Date.now(),
        draining: null,
      })),
    ),
    withdraw: os.market.withdraw.handler(({ input }) => {
      change(input.instrument, (before) => closed(before, WITHDRAWN, world.accepted, Date.now()))
      if (world.accepted === 0) world.listings = drained(world.listings)
      return { withdrawn: true }
    }),
  }
}

function jobsPart({ full }: World) {
  const all = (now: number) =>
    full
      ? Array.from({ length: 120 }, (_, index) =>
          fake.job(
            index,
            now,
            index < 1
              ? 'running'
              : index < 2
                ? 'claimed'
                : index % 41 === 7
                  ? 'failed'
                  : index % 53 === 11
                    ? 'void'
                    : 'settled',
            now - 2_000 - index * 3_700,
          ),
        )
      : []
  return {
    list: os.jobs.list.handler(({ input }) => {
      const rows = all(Date.now()).filter(
        (job) =>
          (input.state === null || job.state === input.state) &&
          (input.instrument === null || job.instrument === input.instrument),
      )
      const from = input.before === null ? 0 : Number(input.before)
      return {
        jobs: rows.slice(from, from + input.limit),
        next: from + input.limit < rows.length ? String(from + input.limit) : null,
      }
    }),
    get: os.jobs.get.handler(({ input }) => {
      const job =
        all(Date.now()).find((each) => each.jobId === input.jobId) ??
        fake.job(3, Date.now(), 'settled', Date.now() - 60_000)
      return {
        ...job,
        receipt: job.state === 'settled' ? fake.receipt(job) : null,
        verified:
          job.state === 'settled'
            ? {
                ok: true,
                shown: [
                  'the exchange signed this receipt',
                  'number 1,197 follows 1,196 in the chain',
                  'usage, price and fee give these sums',
                ],
                notShown: ['which model wrote the answer', 'that the answer was good'],
              }
            : null,
      }
    }),
  }
}

const earningsPart = ({ full }: World) => ({
  summary: os.earnings.summary.handler(({ input }) => summary(full, input.from, input.to, Date.now())),
  series: os.earnings.series.handler(({ input }) => series(full, input, Date.now())),
  held: os.earnings.held.handler(() =>
    full
      ? Array.from({ length: 7 }, (_, index) => ({
          jobId: fake.job(index + 2, Date.now(), 'settled', 0).jobId,
          instrument: fake.NANO_GRADE,
          amountNano: (38_950 - index * 2_310) as Nano,
          releaseAt: Date.now() + 4_000 + index * 3_700,
          reason: 'held by the exchange until its release',
        }))
      : [],
  ),
  csv: os.earnings.csv.handler(({ input }) => ({ fileName: 'stoker-practice.csv', csv: csv(full, input, Date.now()) })),
})

/** The router of one scenario. `error`: every read but hello, settings and onboarding fails with a typed error. */
export function createFakeCore(options: FakeCoreOptions) {
  const full = options.scenario !== 'empty'
  const now = Date.now()
  const world: World = {
    full,
    settings: fake.newSettings(full),
    onboarding: options.onboarding ?? fake.newOnboarding(full, now),
    listings: !full ? [] : options.scenario === 'several' ? [fewerOffered(now)] : [fake.listing(now)],
    deployments: !full ? [] : options.scenario === 'several' ? [slower(now), remote(now), failed(now)] : [loaded(now)],
    ownUse: fake.newOwnUse(full, now),
    calibrations: full ? [calibration(now)] : [],
    accepted: full ? 2 : 0,
    nanoState: options.examRunning === true ? 'running' : 'passed',
    microState: 'not-reached',
  }
  options.jobsDone?.addEventListener('abort', () => {
    world.accepted = 0
    world.listings = drained(world.listings)
  })
  const router = {
    app: appPart(world, options),
    models: modelsPart(world, options),
    exams: examsPart(world),
    market: marketPart(world),
    jobs: jobsPart(world),
    earnings: earningsPart(world),
  }
  return options.scenario === 'error' ? broken(router) : router
}

type FakeRouter = {
  app: ReturnType<typeof appPart>
  models: ReturnType<typeof modelsPart>
  exams: ReturnType<typeof examsPart>
  market: ReturnType<typeof marketPart>
  jobs: ReturnType<typeof jobsPart>
  earnings: ReturnType<typeof earningsPart>
}

function broken(router: FakeRouter): FakeRouter {
  const fail = (): never => {
    throw failure(
      'DB_CORRUPT',
      'The ledger could not be read: the database file is damaged. Stop Stoker and restore the newest backup from the data folder.',
    )
  }
  return {
    ...router,
    app: { ...router.app, home: os.app.home.handler(fail) },
    models: { ...router.models, list: os.models.list.handler(fail), deployments: os.models.deployments.handler(fail) },
    exams: { ...router.exams, grades: os.exams.grades.handler(fail) },
    market: { ...router.market, instruments: os.market.instruments.handler(fail) },
    jobs: { ...router.jobs, list: os.jobs.list.handler(fail) },
    earnings: {
      ...router.earnings,
      summary: os.earnings.summary.handler(fail),
      series: os.earnings.series.handler(fail),
      held: os.earnings.held.handler(fail),
    },
  }
}
