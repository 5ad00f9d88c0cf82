/**
 * Composes the seller's core: opens the databases, builds the domains, and offers one router over the whole contract.
 */
import { join } from 'node:path'

import { createRouterClient } from '@orpc/server'

import { createBooks } from '#books/books.ts'
import type { Clock } from '#contract/time.ts'
import { openDb } from '#db/open.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'

import { createApp } from './app/index.ts'
import type { CoreContext, TradingFace } from './core-context.ts'
import { createDeployments } from './deployments/index.ts'
import { billedBetween, createEarnings } from './earnings/index.ts'
import type { EnginesPort } from './engine/engines.port.ts'
import { createEvents } from './events/index.ts'
import { createExams } from './exams/index.ts'
import type { ExchangePort } from './exchange/exchange.port.ts'
import { createHardware } from './hardware/index.ts'
import { createHome } from './home/index.ts'
import type { HostPort } from './host/host.port.ts'
import { createHandBack, createJobs } from './jobs/index.ts'
import { createLedger } from './ledger/index.ts'
import { createListings } from './listings/index.ts'
import { createMarket, createTerms } from './market-data/index.ts'
import { createModels } from './models/index.ts'
import { createOnboarding } from './onboarding/index.ts'
import { createOwnUse } from './own-use/index.ts'
import type { EndpointPort } from './own-use/own-use.port.ts'
import { createPower } from './power/index.ts'
import type { PowerSources } from './power/power-sources.ts'
import { realmMigrations } from './realm-db/index.ts'
import { rigMigrations } from './rig-db/index.ts'
import { ALL_SCOPES, createOs, type CallContext } from './os.ts'
import { createSettings } from './settings/index.ts'

export interface CoreDeps {
  /** Already locked by the caller. */
  dataDir: string
  clock: Clock
  ids: IdSource
  log: Log
  host: HostPort
  exchange: ExchangePort
  engines: EnginesPort
  /** Serves the owner's own use; null or missing where the process has none. */
  endpoint?: EndpointPort | null
  signingKey: SigningKey
  version: string
  bundledModelsDir: string
  /** Where the exchange's buyers connect, for the hello; null while unknown. */
  exchangeUrl?: () => string | null
  /** Off makes runs reproducible (the demo); on by default. */
  prefixReuse?: boolean
  /**
   * Measure a model before its first load, some seconds; off where runs must be fast and alike (tests, the demo). On by
   * default.
   */
  calibrateOnDeploy?: boolean
  /** Where watts are read; the system's own meters by default. */
  powerSources?: PowerSources
}

/**
 * Opens rig.db and practice.db under `dataDir` (migrating them); starts nothing. Errors: DB_FROM_FUTURE, DB_CORRUPT.
 */
export function createCore(deps: CoreDeps) {
  const context = openContext(deps)
  const { exchange, log } = context
  const domains = createDomains(context, deps)
  const router = routerOf(context, domains)
  const offs: (() => void)[] = []
  let stopped: Promise<void> | null = null

  return {
    /** Implements the contract for any oRPC transport; the transport passes a CallContext with the caller's scopes. */
    router,
    /** The same procedures called in process, with all scopes. */
    client: createRouterClient(router, { context: { scopes: ALL_SCOPES } satisfies CallContext }),
    /** What the owner calls this machine: told to the exchange. */
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
      stopped ??= stopAll(context, domains, offs)
      return stopped
    },
  }
}
export type Core = ReturnType<typeof createCore>

function openContext(deps: CoreDeps): CoreContext {
  const { dataDir, log, clock, ids, host, exchange, engines, signingKey: key, version, bundledModelsDir } = deps
  const rigDb = openDb({ path: join(dataDir, 'rig.db'), migrations: rigMigrations, log })
  try {
    const realmDb = openDb({ path: join(dataDir, 'practice.db'), migrations: realmMigrations, log })
    return {
      clock,
      ids,
      log,
      os: createOs(log),
      rigDb,
      realmDb,
      realm: 'practice',
      currency: 'PCR',
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

/**
 * Builds the domains in the order of their needs; what a domain needs of a later one is a function asked when the time
 * comes.
 */
function createDomains(context: CoreContext, deps: CoreDeps) {
  const settings = createSettings(context)
  const onboarding = createOnboarding(context)
  const hardware = createHardware(context)
  const models = createModels(context, {
    inUse: (sha256) => deployments.modelInUse(sha256),
    loaded: (sha256) => deployments.modelLoaded(sha256),
    removeOther: (sha256) => deployments.removeRemote(sha256),
  })
  const inUse = (deploymentId: string): string | null => {
    const listing = listings.all().find((one) => one.deploymentId === deploymentId && one.state !== 'paused')
    if (listing !== undefined) return `It is listed for ${listing.instrument}; pause or withdraw the listing first.`
    if (exams.examining() === deploymentId) return 'An exam runs on it; wait for the result or cancel the exam.'
    return jobs.runningOn(deploymentId) > 0 ? 'It is serving a job; try again in a moment.' : null
  }
  const deployments = createDeployments(
    context,
    { models, hardware },
    {
      inUse,
      handBack: (rule) => handBack(rule),
      ...(deps.prefixReuse === undefined ? {} : { prefixReuse: deps.prefixReuse }),
      ...(deps.calibrateOnDeploy === undefined ? {} : { calibrateOnDeploy: deps.calibrateOnDeploy }),
    },
  )
  const power = createPower(context, {
    settings,
    billed: (from, to) => billedBetween(context.realmDb.read, from, to),
    running: () => jobs.live().length,
    devices: () => deployments.allLoaded().map(({ model }) => model.device),
    ...(deps.powerSources === undefined ? {} : { sources: deps.powerSources }),
  })
  const earnings = createEarnings(context, power)
  const terms = createTerms(context)
  const exams = createExams(context, { deployments, specs: terms.specs })
  const qualifications = () => exams.qualifications()
  const listings = createListings(context, { deployments, qualifications, specOf: terms.specOf, jobs: () => jobs })
  const jobs = createJobs(context, {
    deployments,
    power,
    routeOf: (instrument) => listings.routeOf(instrument),
    exams: exams.sink,
    onEarned: (at) => onboarding.markFirstEarning(at),
  })
  const { handBack } = createHandBack(context, {
    jobs,
    listings,
    exams,
    deployments,
    remember: () => ownUse.givenBack.remember(),
  })
  const ownUse = createOwnUse(context, deployments, deps.endpoint ?? null)
  const market = createMarket(context, { terms, listings, power, deployments, qualifications })
  const ledger = createLedger(context, jobs)
  const app = createApp(context, {
    jobs: () => jobs.live(),
    listings: () => listings.all(),
    watts: () => power.watts(),
    engines: () => deployments.engines(),
    exchangeUrl: () => deps.exchangeUrl?.() ?? null,
  })
  const trading: TradingFace = {
    live: app.live,
    listings: () => listings.all(),
    qualifications,
    exams: () => exams.newest(),
    jobsSince: (from) => jobs.since(from),
    connectedShare: (from) => listings.connectedShare(from),
    unbooked: () => jobs.problems(),
    inUse,
  }
  const home = createHome(context, {
    trading,
    models,
    deployments,
    earnings,
    power,
    onboarding,
    terms,
    demand: (instrument) => market.demand(instrument),
  })
  return {
    settings,
    onboarding,
    hardware,
    models,
    deployments,
    power,
    earnings,
    exams,
    listings,
    jobs,
    ownUse,
    market,
    ledger,
    app,
    home,
  }
}
type Domains = ReturnType<typeof createDomains>

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
async function stopAll(
  { engines, exchange, rigDb, realmDb, log }: CoreContext,
  domains: Domains,
  offs: (() => void)[],
): Promise<void> {
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
    ...offs,
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
