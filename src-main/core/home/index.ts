/** Home: gathers the facts from the other domains, and lets home.ts decide what they mean. */
import type { Home } from '#contract/app.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Listing } from '#contract/market.ts'
import type { Deployment } from '#contract/models.ts'
import { nano } from '#contract/money.ts'
import { DAY_MS, HOUR_MS } from '#contract/time.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext, TradingService } from '#core/core-context.ts'
import type { EarningsService } from '#core/earnings/index.ts'
import type { ModelsService } from '#core/models/index.ts'
import type { OnboardingService } from '#core/onboarding/index.ts'
import type { Os } from '#core/os.ts'
import type { PowerLedger } from '#core/power/index.ts'

import type { HomeFacts } from './home-facts.ts'
import { composeHome } from './home.ts'

export type { HomeFacts } from './home-facts.ts'

export interface HomeDeps {
  trading: TradingService
  models: Pick<ModelsService, 'list'> & { registering?(): boolean }
  deployments: { list(): Deployment[] }
  earnings: Pick<EarningsService, 'summary' | 'jobsLastDay'>
  power: Pick<PowerLedger, 'perMtok' | 'isPriced'>
  onboarding: Pick<OnboardingService, 'current'>
  /** The last book of an instrument, as the exchange sent it; null when it said nothing. */
  demand?(instrument: string): HomeFacts['demand']
  /** The newest terms the exchange stated, kept while it is away; the session's own by default. */
  terms?: { specs(): readonly GradeSpec[]; feeBps(): number }
}

export type HomeContext = Pick<VenueContext, 'venueId' | 'clock' | 'realm' | 'unit' | 'venue'>

const LISTING_ORDER: readonly Listing['state'][] = ['listed', 'waiting', 'refused', 'paused']
const DEPLOYMENT_ORDER: readonly Deployment['state'][] = ['loaded', 'loading', 'failed', 'stopped']
const first = <State, Item extends { state: State }>(items: readonly Item[], order: readonly State[]): Item | null =>
  items.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0] ?? null

export function createHome(context: HomeContext, deps: HomeDeps) {
  const { clock, venue } = context
  const today = (zone: string): Home['today'] => {
    const { range, availableNano, heldNano, powerNano, jobs } = deps.earnings.summary({
      span: 'today',
      zone,
      by: 'instrument',
    })
    return {
      since: range.from,
      zone: range.zone,
      availableNano,
      heldNano,
      powerNano: powerNano ?? (deps.power.isPriced() ? nano(0) : null),
      jobs,
    }
  }

  const facts = async (zone: string): Promise<HomeFacts> => {
    // Refuses an unknown zone before anything is asked.
    const earned = today(zone)
    const now = clock.now()
    const models = await deps.models.list()
    const deployments = deps.deployments.list()
    const live = deps.trading.live()
    const here = live.venues.find(({ venueId }) => venueId === context.venueId)
    const listing = first(deps.trading.listings(), LISTING_ORDER)
    const online = venue.state()
    const terms = online.kind === 'online' ? online.terms : null
    return {
      now,
      venueId: context.venueId,
      realm: context.realm,
      unit: context.unit,
      engine: live.engine,
      exchange: here ?? { kind: 'stopped', lastSeenAt: null, detail: null, cause: null },
      running: live.running.filter(({ exam, venueId }) => !exam && venueId === context.venueId).length,
      // A model on somebody's server is one as well.
      models:
        models.filter(({ state }) => state === 'ready').length +
        deployments.filter(({ engine }) => engine.kind === 'remote').length,
      modelsComing: deps.models.registering?.() ?? false,
      modelsLost: models.filter(({ state }) => state !== 'ready').length,
      // What is listed says most; else what is in memory.
      deployment:
        deployments.find(({ deploymentId }) => deploymentId === listing?.deploymentId) ??
        first(deployments, DEPLOYMENT_ORDER),
      exams: deps.trading.exams(),
      qualified: deps.trading.qualifications().map(({ instrument }) => instrument),
      listing,
      jobsLastHour: deps.trading.jobsSince(now - HOUR_MS).jobs,
      demand: listing === null ? null : (deps.demand?.(listing.instrument) ?? null),
      unbooked: deps.trading.unbooked()[0] ?? null,
      stopped: deps.trading.stopped?.() ?? null,
      feeBps: deps.terms?.feeBps() ?? terms?.feeBps ?? null,
      specs: deps.terms?.specs() ?? terms?.specs ?? [],
      power: deps.power.perMtok(),
      jobs24h: deps.earnings.jobsLastDay(),
      connectedShare24h: deps.trading.connectedShare(now - DAY_MS),
      today: earned,
      onboarding: deps.onboarding.current(),
    }
  }
  /** `zone`: the viewer's, whose day today is. Error: BAD_REQUEST for one that is unknown. */
  const current = async (zone = 'UTC'): Promise<Home> => composeHome(await facts(zone))
  return { current }
}

export const homeApi = (os: Os, of: ByVenue<ReturnType<typeof createHome>>) => ({
  home: os.app.home.handler(({ input }) => of(input.venueId).current(input.zone)),
})
