/**
 * Builds the domains in the order of their needs, in two rooms: what belongs to the machine, then what trades. What a
 * domain needs of a later one is a link (domain-links.ts).
 */
import { late, type Late } from '#lib/late.ts'

import { createApp } from './app/index.ts'
import type { CoreContext, TradingService } from './core-context.ts'
import { createDeployments } from './deployments/index.ts'
import { createLinks, type DomainLinks, type LinkedDomains } from './domain-links.ts'
import { billedBetween, createEarnings } from './earnings/index.ts'
import { createExams } from './exams/index.ts'
import { createHardware } from './hardware/index.ts'
import { createHome } from './home/index.ts'
import { createHandBack, createJobs } from './jobs/index.ts'
import { createLedger } from './ledger/index.ts'
import { createListings } from './listings/index.ts'
import { createLastTerms, createMarketData } from './market-data/index.ts'
import { createModels } from './models/index.ts'
import { createOnboarding } from './onboarding/index.ts'
import { createOwnUse } from './own-use/index.ts'
import type { EndpointPort } from './own-use/own-use.port.ts'
import { createPower, type PowerSources } from './power/index.ts'
import { createRecords } from './records/index.ts'
import { createSettings } from './settings/index.ts'

export interface DomainOptions {
  /** Serves the owner's own use; null or missing where the process has none. */
  endpoint?: EndpointPort | null
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

/** Also the links, for the test that every one of them leads somewhere. */
export function createDomains(context: CoreContext, options: DomainOptions) {
  const linked: Late<LinkedDomains> = late('a domain of the core')
  const links = createLinks(linked)
  const machine = createMachineDomains(context, options, links)
  const trading = createTradingDomains(context, machine, links)
  linked.set({ deployments: machine.deployments, ...trading })
  const screens = createScreenDomains(context, options, { machine, trading, links })
  return { links, domains: { ...machine, ...trading, ...screens } }
}
export type Domains = ReturnType<typeof createDomains>['domains']

type MachineDomains = ReturnType<typeof createMachineDomains>
type TradingDomains = ReturnType<typeof createTradingDomains>

/** Of no realm: the owner's settings, models and what runs them, and electricity. */
function createMachineDomains(context: CoreContext, options: DomainOptions, links: DomainLinks) {
  const { prefixReuse, calibrateOnDeploy, powerSources } = options
  const settings = createSettings(context)
  const onboarding = createOnboarding(context)
  const hardware = createHardware(context)
  const models = createModels(context, {
    inUse: links.modelInUse,
    loaded: links.modelLoaded,
    removeOther: links.removeRemote,
  })
  const deployments = createDeployments(
    context,
    { models, hardware },
    {
      inUse: links.inUse,
      handBack: links.handBack,
      ...(prefixReuse === undefined ? {} : { prefixReuse }),
      ...(calibrateOnDeploy === undefined ? {} : { calibrateOnDeploy }),
    },
  )
  const power = createPower(context, {
    settings,
    billed: (from, to) => billedBetween(context.realmDb.read, from, to),
    running: links.runningJobs,
    devices: () => deployments.allLoaded().map(({ model }) => model.device),
    ...(powerSources === undefined ? {} : { sources: powerSources }),
  })
  const ownUse = createOwnUse(context, deployments, options.endpoint ?? null)
  return { settings, onboarding, hardware, models, deployments, power, ownUse }
}

/** Of one realm: exams, listings, jobs and their money. */
function createTradingDomains(context: CoreContext, machine: MachineDomains, links: DomainLinks) {
  const { deployments, power, onboarding, ownUse } = machine
  const terms = createLastTerms(context)
  const exams = createExams(context, { deployments, specs: terms.specs })
  const qualifications = () => exams.qualifications()
  const listings = createListings(context, { deployments, qualifications, specOf: terms.specOf, jobs: links.jobs })
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
  const market = createMarketData(context, { terms, listings, power, deployments, qualifications })
  const records = createRecords(context, { books: () => market.books() })
  const ledger = createLedger(context, jobs)
  const earnings = createEarnings(context, power)
  return { terms, exams, listings, jobs, handBack, market, records, ledger, earnings }
}

/** What only gathers: the console itself, and Home. */
function createScreenDomains(
  context: CoreContext,
  options: DomainOptions,
  { machine, trading, links }: { machine: MachineDomains; trading: TradingDomains; links: DomainLinks },
) {
  const { models, deployments, power, onboarding } = machine
  const { terms, exams, listings, jobs, market, earnings } = trading
  const app = createApp(context, {
    jobs: () => jobs.live(),
    listings: () => listings.all(),
    watts: () => power.watts(),
    engines: () => deployments.engines(),
    exchangeUrl: () => options.exchangeUrl?.() ?? null,
  })
  const service: TradingService = {
    live: app.live,
    listings: () => listings.all(),
    qualifications: () => exams.qualifications(),
    exams: () => exams.newest(),
    jobsSince: (from) => jobs.since(from),
    connectedShare: (from) => listings.connectedShare(from),
    unbooked: () => jobs.problems(),
    inUse: links.inUse,
  }
  const home = createHome(context, {
    trading: service,
    models,
    deployments,
    earnings,
    power,
    onboarding,
    terms,
    demand: (instrument) => market.demand(instrument),
  })
  return { app, home }
}
