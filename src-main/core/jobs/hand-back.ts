/**
 * The owner wants the machine back: at once, or when the accepted work is done. Nothing loads again by itself; resuming
 * a listing loads its model.
 */
import type { HandedBack } from '#contract/models.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { CoreContext, DeploymentsService, HandBack, VenueContext } from '#core/core-context.ts'

import type { InterruptionCost } from './interruption-cost.ts'

/** What is asked of each venue. */
export interface HandBackVenue {
  context: Pick<VenueContext, 'venueId' | 'unit'>
  jobs: { live(): readonly unknown[]; yieldAll(): InterruptionCost }
  listings: { pauseAll(why: Reason): string[]; wanted(): boolean; drained(): boolean }
  exams: { examining(): string | null; giveUp(): void }
}

export interface HandBackDeps {
  venues: readonly HandBackVenue[]
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine'> & {
    /** Ends every engine at once, one that is loading too, and forgets what was to be in memory. What was in it. */
    endAll(): Promise<readonly string[]>
  }
  /** Stores that the machine was given back: after a restart too nothing is loaded unasked. May throw. */
  remember(): void
}

/** Accepted work is given so long; what then still runs ends as under `now`. */
const FINISH_MS = 600_000
const LOOK_EVERY_MS = 250
const WHY = because('listing.handedBack')

type Cost = Pick<HandedBack, 'handedOff' | 'failed' | 'notEarned' | 'lostTokens'>

/** Counts are added, money is not: each venue has its own unit. */
function totalOf(costs: readonly { venue: HandBackVenue; cost: InterruptionCost }[]): Cost {
  const total = { handedOff: 0, failed: 0, lostTokens: 0 }
  for (const { cost } of costs)
    for (const field of Object.keys(total) as (keyof typeof total)[]) total[field] += cost[field]
  const notEarned = costs
    .filter(({ cost }) => cost.sellerNano > 0)
    .map(({ venue, cost }) => ({
      venueId: venue.context.venueId,
      currency: venue.context.unit.code,
      sellerNano: cost.sellerNano,
    }))
  return { ...total, notEarned }
}

/**
 * Resolves when the models have left the memory, with what it cost; under `finish` also when a listing was resumed or
 * `now` was asked for meanwhile.
 */
export function createHandBack(
  { clock, log }: Pick<CoreContext, 'clock' | 'log'>,
  deps: HandBackDeps,
): { handBack: HandBack } {
  /** Counts the requests: an older one that still waits for work ends without doing anything. */
  let latest = 0

  /** True when all work is done, or its time is over; false when the owner changed the plan meanwhile. */
  async function finished(mine: number): Promise<boolean> {
    const { venues, deployments } = deps
    const until = clock.mono() + FINISH_MS
    // The owner's own requests are in the engines only.
    const working = (deploymentId: string): boolean => {
      const stats = deployments.engine(deploymentId)?.stats()
      return stats !== undefined && stats.running + stats.queued > 0
    }
    const busy = (): boolean =>
      venues.some(
        ({ jobs, listings, exams }) => jobs.live().length > 0 || !listings.drained() || exams.examining() !== null,
      ) || deployments.allLoaded().some(({ deploymentId }) => working(deploymentId))
    while (busy() && clock.mono() < until) {
      await clock.sleep(LOOK_EVERY_MS, { unref: true })
      if (latest !== mine || venues.some(({ listings }) => listings.wanted())) return false
    }
    return true
  }

  const remember = (): void => {
    try {
      deps.remember()
    } catch (error) {
      // The work is gone by now: the memory follows it, full disk or not.
      log.error(
        { err: error },
        'it could not be stored that the machine was given back: after a restart models may be loaded again',
      )
    }
  }

  const handBack: HandBack = async (rule) => {
    const began = clock.mono()
    latest += 1
    const mine = latest
    // Withdrawn before any job goes back, so that the exchange does not send it here again.
    const { venues } = deps
    const paused = venues.flatMap(({ listings }) => listings.pauseAll(WHY))
    const goOn = rule === 'now' || (await finished(mine))
    // Before the jobs: an exam that is over judges no call that ends now.
    if (goOn) for (const { exams } of venues) exams.giveUp()
    const cost = totalOf(goOn ? venues.map((venue) => ({ venue, cost: venue.jobs.yieldAll() })) : [])
    if (goOn) remember()
    const unloaded = goOn ? (await deps.deployments.endAll()).length : 0
    const result = { tookMs: Math.max(0, Math.round(clock.mono() - began)), unloaded, ...cost, paused }
    log.info({ rule, ...result }, goOn ? 'the machine was handed back' : 'handing the machine back was called off')
    return result
  }
  return { handBack }
}
