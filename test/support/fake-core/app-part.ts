/** app: settings and the first run really change; live values and home are invented. */
import { because } from '#contract/reasons.ts'
import type { Settings } from '#contract/app.ts'

import { VENUE, VENUE_FACTS } from '../venue.ts'
import { sleep } from './abortable-sleep.ts'
import { gpuEvents, onGpus } from './gpus.ts'
import { home, liveNow } from './home-state.ts'
import { hardware } from './state.ts'
import { os, type FakeCoreOptions, type World } from './world.ts'

export function appPart(world: World, { scenario, contractHash, stopped, year }: FakeCoreOptions) {
  const { full } = world
  return {
    hello: os.app.hello.handler(() => ({
      version: '0.1.0',
      contractHash: contractHash ?? 'fake',
      mode: 'headless' as const,
      dataOption: '',
      coreDumps: stopped === true ? ('on' as const) : ('off' as const),
      venues: [year === undefined ? VENUE_FACTS : { ...VENUE_FACTS, realm: 'real' as const, unit: year.unit }],
      now: Date.now(),
      dataDir: '/home/seller/.local/share/stoker',
      exchangeUrl: 'http://127.0.0.1:7447',
    })),
    events: os.app.events.handler(async function* ({ signal }) {
      yield { topic: 'settings' as const, venueId: null, version: 1 }
      for (let look = 0, seen = world.listings; look < 20_000; look += 1, await sleep(200, signal)) {
        if (signal?.aborted === true) return
        if (seen === world.listings) continue
        seen = world.listings
        yield { topic: 'listing' as const, venueId: VENUE, version: 2 + look }
      }
    }),
    live: os.app.live.handler(async function* ({ signal }) {
      for (let beat = 0; beat < 10_000; beat += 1) {
        if (signal?.aborted === true) return
        yield liveNow(full, Date.now())
        // The stale scenario falls silent after the first value.
        await sleep(scenario === 'stale' ? 3_600_000 : 1_000, signal)
      }
    }),
    home: os.app.home.handler(({ input }) => home(full, world.earnedAt(), input?.zone ?? 'UTC')),
    stoppages: os.app.stoppages.handler(() => ({
      open: [],
      recorded: scenario === 'several' ? gpuEvents(Date.now()) : [],
    })),
    hardware: os.app.hardware.handler(() =>
      scenario === 'several' ? onGpus(hardware(Date.now()), Date.now()) : hardware(Date.now()),
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
          ? because('ownUse.noKey')
          : port < 2_000
            ? because('ownUse.portTaken', { port, host: '127.0.0.1' })
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
      venueId: VENUE,
      ok: true,
      problems: [],
      accounts: 7,
      transfers: full ? 3_612 : 0,
      receipts: full ? 1_202 : 0,
      notCompared: [],
      comparedWithExchange: true,
    })),
    ledgerProgress: os.app.ledgerProgress.handler(() => null),
  }
}
