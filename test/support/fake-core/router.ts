/**
 * FakeCore: the whole contract in memory. Settings, onboarding, listings and theme really change; figures are invented.
 */
import { appPart } from './app-part.ts'
import { backupPart } from './backup-part.ts'
import { calibration, failed, loaded, remote, slower } from './deployments.ts'
import { earningsPart } from './earnings-part.ts'
import { examsPart } from './exams-part.ts'
import { jobsPart } from './jobs-part.ts'
import { ACCEPTED, drained, firstListing } from './listings.ts'
import { marketPart } from './market-part.ts'
import { modelsPart } from './models-part.ts'
import { venuesPart } from './venues-part.ts'
import * as fake from './state.ts'
import { failure, os, type FakeCoreOptions, type World } from './world.ts'

export type { FakeCoreOptions } from './world.ts'

/** The router of one scenario. `error`: every read but hello, settings and onboarding fails with a typed error. */
export function createFakeCore(options: FakeCoreOptions) {
  const full = options.scenario !== 'empty'
  const now = Date.now()
  const world: World = {
    full,
    earnedAt: options.earnedAt ?? (() => Date.now()),
    settings: { ...fake.newSettings(full), theme: options.theme ?? 'system' },
    onboarding: options.onboarding ?? fake.newOnboarding(full, now),
    listings: full ? [firstListing(options, now)] : [],
    deployments: !full ? [] : options.scenario === 'several' ? [slower(now), remote(now), failed(now)] : [loaded(now)],
    ownUse: fake.newOwnUse(full, now),
    calibrations: full ? [calibration(now)] : [],
    accepted: full ? ACCEPTED : 0,
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
    exams: examsPart(world, options.scenario),
    market: marketPart(world),
    jobs: jobsPart(world),
    earnings: earningsPart(world, options),
    backup: backupPart(world),
    venues: venuesPart(),
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
  backup: ReturnType<typeof backupPart>
  venues: ReturnType<typeof venuesPart>
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
    backup: { ...router.backup, status: os.backup.status.handler(fail) },
    earnings: {
      ...router.earnings,
      summary: os.earnings.summary.handler(fail),
      series: os.earnings.series.handler(fail),
      held: os.earnings.held.handler(fail),
    },
  }
}
