/**
 * Composes the seller's core: opens the databases, builds the domains, and offers one router over the whole contract.
 */
import { join } from 'node:path'

import { createRouterClient } from '@orpc/server'

import { createBooks } from '#books/books.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import type { Clock } from '#contract/time.ts'
import { bringUpToDate } from '#db/bring-up-to-date.ts'
import type { MigrationProgress } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'

import type { CoreContext } from './core-context.ts'
import { createDomains, type DomainOptions, type Domains } from './domains.ts'
import type { EnginesPort } from './engine/engines.port.ts'
import { createEvents } from './events/index.ts'
import type { ExchangePort } from './exchange/exchange.port.ts'
import type { HostPort } from './host/host.port.ts'
import { ALL_SCOPES, createOs, type CallContext } from './os.ts'
import { realmMigrations } from './realm-db/index.ts'
import { rigMigrations } from './rig-db/index.ts'

export interface CoreDeps extends DomainOptions {
  /** Already locked by the caller. */
  dataDir: string
  clock: Clock
  ids: IdSource
  log: Log
  host: HostPort
  exchange: ExchangePort
  engines: EnginesPort
  signingKey: SigningKey
  version: string
  bundledModelsDir: string
}

/** The databases of a data folder, in the order in which they are brought up to date. */
const DATABASES = [
  { file: 'rig.db', migrations: rigMigrations },
  { file: EMBEDDED_VENUE.file, migrations: realmMigrations },
] as const

/**
 * Migrates what lies in `dataDir`, which the caller has locked, and says how far it is. `createCore` would do the same
 * without a word and block meanwhile. Errors: DB_FROM_FUTURE, DB_CORRUPT.
 */
export async function prepareDatabases(
  dataDir: string,
  onProgress: (progress: MigrationProgress) => void,
): Promise<void> {
  for (const { file, migrations } of DATABASES)
    await bringUpToDate({ path: join(dataDir, file), migrations, onProgress })
}

/**
 * Opens rig.db and practice.db under `dataDir` (migrating them); starts nothing. Errors: DB_FROM_FUTURE, DB_CORRUPT.
 */
export function createCore(deps: CoreDeps) {
  const context = openContext(deps)
  const { exchange, log } = context
  const { domains } = createDomains(context, deps)
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
      const { models, deployments, power, jobs, exams, listings, ownUse, market } = domains
      models.start().catch((error: unknown) => log.warn({ err: error }, 'the bundled models are not all there'))
      power.start()
      deployments.start()
      // Before exams and listings: a fresh session first ends what the old one ran.
      jobs.start()
      exams.start()
      listings.start()
      market.start()
      ownUse.start()
      exchange.start()
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
  const { dataDir, log, clock, ids, host, exchange, engines, signingKey: key, version, bundledModelsDir } = deps
  const rigDb = openDb({ path: join(dataDir, 'rig.db'), migrations: rigMigrations, log })
  try {
    const realmDb = openDb({ path: join(dataDir, EMBEDDED_VENUE.file), migrations: realmMigrations, log })
    return {
      clock,
      ids,
      log,
      os: createOs(log),
      rigDb,
      realmDb,
      realm: EMBEDDED_VENUE.realm,
      unit: EMBEDDED_VENUE.unit,
      books: createBooks(),
      engines,
      exchange,
      host,
      events: createEvents(),
      key,
      version,
      dataDir,
      bundledModelsDir,
    }
  } catch (error) {
    rigDb.close()
    throw error
  }
}

function routerOf({ os }: CoreContext, domains: Domains) {
  const {
    settings,
    onboarding,
    hardware,
    models,
    deployments,
    power,
    earnings,
    exams,
    jobs,
    ownUse,
    market,
    ledger,
    app,
    home,
  } = domains
  return os.router({
    app: {
      ...app.api,
      ...ledger.api,
      ...home.api,
      ...hardware.api,
      ...power.api,
      ...settings.api,
      ...onboarding.api,
      ...ownUse.api,
    },
    models: { ...models.api, ...deployments.api },
    exams: exams.api,
    market: market.api,
    jobs: jobs.api,
    earnings: earnings.api,
  })
}

/**
 * Work ends before the connection, the connection before the engine, everything before the databases. One failure stops
 * none of the others.
 */
async function stopAll({ engines, exchange, rigDb, realmDb, log }: CoreContext, domains: Domains): Promise<void> {
  const { jobs, exams, listings, ownUse, market, deployments, models, power } = domains
  const steps: (() => unknown)[] = [
    () => ownUse.stop(),
    () => jobs.stop(),
    () => exams.stop(),
    () => listings.stop(),
    () => market.stop(),
    () => exchange.stop(),
    () => deployments.stop(),
    () => models.stop(),
    () => power.stop(),
    () => engines.stop(),
    () => realmDb.close(),
    () => rigDb.close(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error({ err: error }, 'a part of the core did not stop cleanly')
    }
  }
}
