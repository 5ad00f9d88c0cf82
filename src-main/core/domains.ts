/**
 * Builds the domains in the order of their needs, in two rooms: what belongs to the machine, then what trades, once a
 * venue. What a domain needs of a later one is a link (domain-links.ts).
 */
import { late, type Late } from '#lib/late.ts'

import { createApp } from './app/index.ts'
import { createBackup } from './backup/index.ts'
import { createBreaker } from './breaker/index.ts'
import { createSlotLeases, type SlotLeases } from './capacity/index.ts'
import type { LeaseSource } from './capacity/lease.port.ts'
import type { CoreContext, TradingService, VenueContext } from './core-context.ts'
import { createDeployments } from './deployments/index.ts'
import { createLinks, type DomainLinks, type LinkedDomains } from './domain-links.ts'
import { billedBetween, createEarnings } from './earnings/index.ts'
import { createRecordedEvents } from './events/index.ts'
import { createExams } from './exams/index.ts'
import { createDevices, createHardware } from './hardware/index.ts'
import type { SensorsPort } from './hardware/sensors.port.ts'
import { createHome } from './home/index.ts'
import { sellerKeyPath } from './identity/index.ts'
import { createHandBack, createJobs, MeasuresOfAll, type Jobs } from './jobs/index.ts'
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
import { createStorage } from './storage/index.ts'

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
  /** Reads what drivers say of GPUs; null or missing where the process has no such child. */
  sensors?: SensorsPort | null
  /** Where watts are read; the system's own meters by default. */
  powerSources?: PowerSources
  /** Databases that are as their last owner left them in order; the others are checked at the start. */
  isClean?: (path: string) => boolean
}

/** Also the links, for the test that every one of them leads somewhere. */
export function createDomains(context: CoreContext, venueContexts: readonly VenueContext[], options: DomainOptions) {
  const linked: Late<LinkedDomains> = late('a domain of the core')
  const links = createLinks(linked)
  const machine = createMachineDomains(context, venueContexts, options, links)
  const shared = { capacity: createSlotLeases({ slotsOf: links.slotsOf }), measures: new MeasuresOfAll() }
  const venues = venueContexts.map((venue) => createVenueDomains(venue, machine, shared))
  const { handBack } = createHandBack(context, {
    venues,
    deployments: machine.deployments,
    remember: () => machine.ownUse.givenBack.remember(),
  })
  linked.set({ deployments: machine.deployments, venues, handBack })
  const app = createApp(context, {
    venues,
    watts: () => machine.power.watts(),
    engines: () => machine.deployments.engines(),
    exchangeUrl: () => options.exchangeUrl?.() ?? null,
    breaker: machine.breaker,
    recorded: machine.recorded,
  })
  const homes = venues.map((venue) => createVenueHome(venue, { machine, live: app.live, links }))
  return { links, domains: { ...machine, venues, handBack, app, homes } }
}
export type Domains = ReturnType<typeof createDomains>['domains']
export type VenueDomains = Domains['venues'][number]

type MachineDomains = ReturnType<typeof createMachineDomains>

/** Of no venue: the owner's settings, models and what runs them, and electricity. */
function createMachineDomains(
  context: CoreContext,
  venues: readonly VenueContext[],
  options: DomainOptions,
  links: DomainLinks,
) {
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
    // Work is work, whoever pays for it: electricity is the machine's.
    billed: (from, to) =>
      venues
        .map(({ realmDb }) => billedBetween(realmDb.read, from, to))
        .reduce((sum, one) => ({ tokens: sum.tokens + one.tokens, servedMs: sum.servedMs + one.servedMs }), {
          tokens: 0,
          servedMs: 0,
        }),
    running: links.runningJobs,
    devices: () => deployments.allLoaded().map(({ model }) => model.device),
    ...(powerSources === undefined ? {} : { sources: powerSources }),
  })
  const ownUse = createOwnUse(context, deployments, options.endpoint ?? null)
  const recorded = createRecordedEvents(context)
  const devices = createDevices(context, { hardware, deployments, recorded, sensors: options.sensors ?? null })
  const spilled = (deploymentId: string): Promise<number | null> => devices.spilled(deploymentId)
  const storage = createStorage(context, venues, { isClean: options.isClean, onBack: links.recordRemaining })
  const breaker = createBreaker(context, {
    deployments,
    models,
    venues,
    recorded,
    storage,
    spilled,
    sellerKey: { path: sellerKeyPath(context.dataDir), publicKey: context.key.publicKey },
  })
  devices.reportTo(breaker)
  const backup = createBackup(context)
  return {
    settings,
    onboarding,
    hardware,
    devices,
    models,
    deployments,
    power,
    ownUse,
    recorded,
    storage,
    breaker,
    backup,
  }
}

/** Of one venue: exams, listings, jobs and their money. */
function createVenueDomains(
  context: VenueContext,
  machine: MachineDomains,
  shared: { capacity: SlotLeases; measures: MeasuresOfAll },
) {
  const { deployments, power, onboarding, breaker } = machine
  const terms = createLastTerms(context)
  const exams = createExams(context, { deployments, specs: terms.specs, breaker })
  machine.devices.onSpill(({ deploymentId, since, bytes }) => exams.spoil(deploymentId, since, bytes))
  const qualifications = () => exams.qualifications()
  const serving: Late<Jobs> = late('the jobs of a venue')
  const listings = createListings(context, {
    deployments,
    qualifications,
    specOf: terms.specOf,
    passedUntil: (...model) => exams.passedUntil(...model),
    onPassed: (listener) => exams.onPassed(listener),
    breaker,
    jobs: serving.get,
  })
  const jobs = createJobs(context, {
    ...shared,
    deployments,
    power,
    routeOf: (instrument) => listings.routeOf(instrument),
    exams: exams.sink,
    breaker,
    onEarned: (at) => onboarding.markFirstEarning(at),
  })
  serving.set(jobs)
  const market = createMarketData(context, { terms, listings, power, deployments, qualifications })
  const records = createRecords(context, { books: () => market.books() })
  const ledger = createLedger(context, jobs)
  const earnings = createEarnings(context, power)
  /** A polling driver takes a slot of what is listed before it takes a job. */
  const leases: LeaseSource = {
    take(instrument) {
      const route = listings.routeOf(instrument)
      return route === null || route.closed !== null ? null : shared.capacity.lease(route.deploymentId)
    },
  }
  return { context, terms, exams, listings, jobs, market, records, ledger, earnings, leases }
}

/** Home of one venue: what only gathers. */
function createVenueHome(
  venue: ReturnType<typeof createVenueDomains>,
  { machine, live, links }: { machine: MachineDomains; live: TradingService['live']; links: DomainLinks },
) {
  const { models, deployments, power, onboarding, breaker } = machine
  const { context, terms, exams, listings, jobs, market, earnings } = venue
  const service: TradingService = {
    live,
    listings: () => listings.all(),
    qualifications: () => exams.qualifications(),
    exams: () => exams.newest(),
    jobsSince: (from) => jobs.since(from),
    connectedShare: (from) => listings.connectedShare(from),
    unbooked: () => jobs.problems(),
    stopped: () => breaker.why({ deploymentId: null, sha256: null, venueId: context.venueId }),
    inUse: links.inUse,
  }
  return createHome(context, {
    trading: service,
    models,
    deployments,
    earnings,
    power,
    onboarding,
    terms,
    demand: (instrument) => market.demand(instrument),
  })
}
