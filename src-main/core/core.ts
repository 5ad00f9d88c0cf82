/**
 * Composes the seller's core: opens the databases, builds the domains, and offers one router over the whole contract.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { createRouterClient } from '@orpc/server'

import { createBooks } from '#books/books.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { because } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import { bringUpToDate } from '#db/bring-up-to-date.ts'
import { noteCleanEnd, takeCleanEnd } from '#db/clean-end.ts'
import type { MigrationProgress } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'
import { sweepSecretLeftovers } from '#lib/secret-file.ts'

import type { CoreContext, VenueContext } from './core-context.ts'
import { finishRestore, noteRestore } from './backup/index.ts'
import { byVenue } from './by-venue.ts'
import { createDomains, type DomainOptions, type Domains, type VenueDomains } from './domains.ts'
import { earningsApi } from './earnings/index.ts'
import type { EnginesPort } from './engine/engines.port.ts'
import { createEvents } from './events/index.ts'
import { examsApi } from './exams/index.ts'
import { homeApi } from './home/index.ts'
import { noteOwnKey } from './identity/index.ts'
import { jobsApi, venuesApi } from './jobs/index.ts'
import { ledgerApi } from './ledger/index.ts'
import { pauseStored } from './listings/index.ts'
import { marketDataApi } from './market-data/index.ts'
import type { HostPort } from './host/host.port.ts'
import { ALL_SCOPES, createOs, type CallContext } from './os.ts'
import { realmMigrations } from './realm-db/index.ts'
import { rigMigrations } from './rig-db/index.ts'
import { activeVenues, openVenue, type VenueDrivers } from './venues/index.ts'

export interface CoreDeps extends DomainOptions {
  /** Already locked by the caller. */
  dataDir: string
  clock: Clock
  ids: IdSource
  log: Log
  host: HostPort
  /** Makes the port of each kind of venue; `stoker` is our own exchange. */
  drivers: VenueDrivers
  engines: EnginesPort
  signingKey: SigningKey
  version: string
  bundledModelsDir: string
}

/**
 * Finishes a restore that was interrupted, then migrates what lies in `dataDir`, which the caller has locked, and says
 * how far it is. `createCore` would migrate without a word and block meanwhile. Errors: DB_FROM_FUTURE, DB_CORRUPT.
 */
export async function prepareDatabases(
  dataDir: string,
  onProgress: (progress: MigrationProgress) => void,
): Promise<void> {
  finishRestore(dataDir)
  for (const folder of [dataDir, join(dataDir, 'exchange')]) sweepSecretLeftovers(folder)
  const path = join(dataDir, 'rig.db')
  await bringUpToDate({ path, migrations: rigMigrations, onProgress })
  for (const file of venueFiles(path))
    await bringUpToDate({ path: join(dataDir, file), migrations: realmMigrations, onProgress })
}

/** Below the data folder; without a rig.db, as in a new folder, there can only be the venue that comes with Stoker. */
function venueFiles(path: string): string[] {
  if (!existsSync(path)) return [EMBEDDED_VENUE.file]
  const rigDb = openDb({ path, migrations: rigMigrations, readOnly: true })
  try {
    return activeVenues(rigDb.read).map(({ file }) => file)
  } finally {
    rigDb.close()
  }
}

/**
 * Opens rig.db and the databases of the venues under `dataDir` (migrating them); starts nothing. Errors: DB_FROM_FUTURE,
 * DB_CORRUPT, NOT_FOUND for a venue of a kind this Stoker does not know.
 */
export function createCore(deps: CoreDeps) {
  // Before anything is opened: that alone changes the files.
  const clean = takeCleanEnd(deps.dataDir)
  const context = openContext(deps)
  const { log } = context
  noteOwnKey(context.rigDb, context.key.publicKey, context.clock.now())
  const venues = openVenues(context, deps.drivers)
  noteRestoreOf(context, venues)
  const { domains } = createDomains(context, venues, { isClean: (path) => clean.has(path), ...deps })
  const router = routerOf(context, domains)
  let stopped: Promise<void> | null = null

  return {
    /** Implements the contract for any oRPC transport; the transport passes a CallContext with the caller's scopes. */
    router,
    /** The same procedures called in process, with all scopes. */
    client: createRouterClient(router, { context: { scopes: ALL_SCOPES } satisfies CallContext }),
    /** What the owner calls this machine; the exchange is given this name. */
    rigName: (): string => domains.settings.current().rigName,
    /** Starts the loops and connects to the exchange. */
    start(): void {
      const { models, deployments, devices, power, ownUse, backup, breaker, storage } = domains
      storage.start()
      models.start().catch((error: unknown) => log.warn({ err: error }, 'the bundled models are not all there'))
      power.start()
      deployments.start()
      backup.start()
      breaker.start()
      devices.start()
      for (const { jobs, exams, listings, market, records } of domains.venues) {
        // Before exams and listings: a fresh session first ends what the old one ran.
        jobs.start()
        exams.start()
        listings.start()
        market.start()
        records.start()
      }
      ownUse.start()
      for (const { context: venue, leases } of domains.venues) venue.venue.start(leases)
    },
    /** Stops the loops, the exchange connection and the engines, and closes the databases. Idempotent. */
    stop(): Promise<void> {
      stopped ??= stopAll(context, domains)
      return stopped
    },
  }
}
export type Core = ReturnType<typeof createCore>

function openContext(deps: CoreDeps): CoreContext {
  const { dataDir, log, clock, ids, host, engines, signingKey: key, version, bundledModelsDir } = deps
  return {
    clock,
    ids,
    log,
    os: createOs(log),
    rigDb: openDb({ path: join(dataDir, 'rig.db'), migrations: rigMigrations, log }),
    books: createBooks(),
    engines,
    host,
    events: createEvents(),
    key,
    version,
    dataDir,
    bundledModelsDir,
  }
}

/** All or none: what was opened is closed again when one cannot be, rig.db too. */
function openVenues(context: CoreContext, drivers: VenueDrivers): VenueContext[] {
  const opened: VenueContext[] = []
  try {
    for (const row of activeVenues(context.rigDb.read)) opened.push(openVenue(context, row, drivers))
    return opened
  } catch (error) {
    for (const { realmDb } of opened) realmDb.close()
    context.rigDb.close()
    throw error
  }
}

/** What is put back from a copy asks what its owner asked then: nothing is offered before he has seen it. */
function noteRestoreOf({ rigDb, dataDir, clock, log }: CoreContext, venues: readonly VenueContext[]): void {
  const isNew = noteRestore(rigDb, dataDir, clock.now(), (madeAt) => {
    for (const { realmDb } of venues) pauseStored(realmDb, because('listing.restored', { madeAt }), clock.now())
  })
  if (isNew)
    log.info('this folder was put back from a copy; its count of starts is raised, and its listings are paused')
}

function routerOf({ os }: CoreContext, domains: Domains) {
  const { settings, onboarding, devices, models, deployments, power, ownUse, backup, app, venues, homes } = domains
  const of = byVenue(venues)
  return os.router({
    app: {
      ...app.api,
      ...ledgerApi(os, (venueId) => of(venueId).ledger),
      ...homeApi(os, (venueId) => homes[venues.indexOf(of(venueId))]!),
      ...devices.api,
      ...power.api,
      ...settings.api,
      ...onboarding.api,
      ...ownUse.api,
    },
    models: { ...models.api, ...deployments.api },
    exams: examsApi(os, (venueId) => of(venueId).exams.calls),
    market: marketDataApi(os, (venueId) => of(venueId).market.calls),
    jobs: jobsApi(os, (venueId) => of(venueId).jobs.calls),
    earnings: earningsApi(os, (venueId) => of(venueId).earnings),
    backup: backup.api,
    venues: venuesApi(os, (venueId) => of(venueId).jobs.venueKeys),
  })
}

/**
 * Work ends before the connections, those before the engines, everything before the databases. One failure stops none
 * of the others.
 */
async function stopAll({ engines, rigDb, log, dataDir }: CoreContext, domains: Domains): Promise<void> {
  const { venues, ownUse, deployments, devices, models, power, backup, breaker, storage } = domains
  const each = (stop: (venue: VenueDomains) => unknown): (() => unknown)[] => venues.map((venue) => () => stop(venue))
  const steps: (() => unknown)[] = [
    // First: a copy in the making reads the databases that are closed below.
    () => backup.stop(),
    () => breaker.stop(),
    () => devices.stop(),
    () => storage.stop(),
    () => ownUse.stop(),
    ...each(({ jobs }) => jobs.stop()),
    ...each(({ exams }) => exams.stop()),
    ...each(({ listings }) => listings.stop()),
    ...each(({ market }) => market.stop()),
    ...each(({ records }) => records.stop()),
    ...each(({ context }) => context.venue.stop()),
    () => deployments.stop(),
    () => models.stop(),
    () => power.stop(),
    () => engines.stop(),
    ...each(({ context }) => context.realmDb.close()),
    () => rigDb.close(),
  ]
  let isClean = true
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      isClean = false
      log.error({ err: error }, 'a part of the core did not stop cleanly')
    }
  }
  if (isClean) noteCleanEnd(dataDir, [rigDb.path, ...venues.map(({ context }) => context.realmDb.path)])
}
