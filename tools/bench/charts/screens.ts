/** What the screens read, each a call of the contract as a page makes it; over a core without engines or sockets. */
import { join } from 'node:path'

import { brandId, type Instrument, type JobId, type VenueId } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { DAY_MS, HOUR_MS } from '#contract/time.ts'
import { createCore, type Core } from '#core/core.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'

import { FakeClock } from '../../../test/support/fake-clock.ts'
import { createFakeEngine } from '../../../test/support/fake-engine.ts'
import { createFakeEngines } from '../../../test/support/fake-engines.ts'
import { FakeExchange } from '../../../test/support/fake-exchange.ts'

import type { FolderOfJobs } from './folder-of-jobs.ts'

/** The core of a folder, not started: it only answers. */
export function openCore(folder: string, { now }: FolderOfJobs): Core {
  const log = createLog('bench')
  log.level = 'silent'
  const clock = new FakeClock(now)
  const exchange = new FakeExchange()
  const port = exchange.port()
  exchange.online()
  return createCore({
    dataDir: folder,
    clock,
    ids: randomIds(() => clock.now()),
    log,
    host: { mode: 'headless', notify: () => undefined },
    drivers: { stoker: () => port },
    engines: createFakeEngines({ make: () => createFakeEngine() }),
    signingKey: loadOrCreateSigningKey(join(folder, 'seller.key')),
    version: '0',
    bundledModelsDir: join(folder, 'none'),
  })
}

export type ScreenQuery = readonly [name: string, call: (client: Core['client']) => Promise<unknown>]

/** The venue of the folder. */
const venueId = brandId<VenueId>('practice')
const NANO = brandId<Instrument>('practice/text-nano')
const MICRO = brandId<Instrument>('practice/text-micro')
const NONE = brandId<Instrument>('practice/none')

/** Streams and `app.hardware` (which reads the machine, not the records) are left out. */
export function screenQueries({ now, aJob }: FolderOfJobs): ScreenQuery[] {
  const year = { venueId, from: now - 365 * DAY_MS, to: now, zone: 'UTC' }
  const jobId = brandId<JobId>(aJob)
  const jobs = (name: string, input: Omit<Parameters<Core['client']['jobs']['list']>[0], 'venueId'>): ScreenQuery => [
    `jobs.list ${name}`,
    (client) => client.jobs.list({ venueId, ...input }),
  ]
  return [
    ['app.home', (client) => client.app.home({ venueId })],
    ['app.hello', (client) => client.app.hello()],
    ['app.settings', (client) => client.app.settings()],
    ['app.power', (client) => client.app.power()],
    ['app.onboarding', (client) => client.app.onboarding()],
    ['app.ownUse', (client) => client.app.ownUse()],
    [
      'earnings.summary today',
      (client) => client.earnings.summary({ venueId, from: now - DAY_MS, to: now, zone: 'UTC' }),
    ],
    ['earnings.summary year', (client) => client.earnings.summary(year)],
    ['earnings.series year by day', (client) => client.earnings.series({ ...year, bucket: 'day' })],
    [
      'earnings.series week by hour',
      (client) => client.earnings.series({ venueId, from: now - 168 * HOUR_MS, to: now, bucket: 'hour', zone: 'UTC' }),
    ],
    ['earnings.csv year by day', (client) => client.earnings.csv({ ...year, bucket: 'day' })],
    ['earnings.week of a year', (client) => client.earnings.week(year)],
    ['earnings.history', (client) => client.earnings.history({ venueId, zone: 'UTC' })],
    ['earnings.releases', (client) => client.earnings.releases({ venueId, zone: 'UTC' })],
    ['earnings.marks of a year', (client) => client.earnings.marks(year)],
    ['earnings.held', (client) => client.earnings.held({ venueId })],
    jobs('newest', {}),
    jobs('half a year ago', { startedBefore: now - 182 * DAY_MS }),
    jobs('settled', { state: 'settled' }),
    jobs('running', { state: 'running' }),
    jobs('failed', { state: 'failed' }),
    jobs('void', { state: 'void' }),
    jobs('rejected', { state: 'rejected' }),
    jobs('disputed', { state: 'disputed' }),
    jobs('of a grade', { instrument: MICRO }),
    jobs('of a grade never sold', { instrument: NONE }),
    jobs('failed of a grade', { state: 'failed', instrument: NANO }),
    jobs('void of a grade', { state: 'void', instrument: MICRO }),
    jobs('by the beginning of an id', { idPrefix: aJob.slice(0, 20) }),
    ['jobs.get', (client) => client.jobs.get({ venueId, jobId })],
    ['market.instruments', (client) => client.market.instruments({ venueId })],
    ['market.listings', (client) => client.market.listings({ venueId })],
    ['market.book', (client) => client.market.book({ venueId, instrument: NANO })],
    [
      'market.quote',
      (client) => client.market.quote({ venueId, instrument: NANO, ask: onePrice(nanoPerMtok(1_000_000)) }),
    ],
    ['exams.grades', (client) => client.exams.grades({ venueId })],
    ['exams.list', (client) => client.exams.list({ venueId })],
    ['models.list', (client) => client.models.list()],
    ['models.deployments', (client) => client.models.deployments()],
  ]
}
