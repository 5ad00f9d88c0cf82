/**
 * The owner wants the machine back: at once, or when the accepted work is done. Nothing loads again by itself; resuming
 * a listing loads its model.
 */
import { because, type Reason } from '#contract/reasons.ts'
import type { CoreContext, DeploymentsService, HandBack } from '#core/core-context.ts'

import type { InterruptionCost } from './interruption-cost.ts'

export interface HandBackDeps {
  jobs: { live(): readonly unknown[]; yieldAll(): InterruptionCost }
  listings: { pauseAll(why: Reason): string[]; wanted(): boolean; drained(): boolean }
  exams: { examining(): string | null; giveUp(): void }
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
const NOTHING: InterruptionCost = { handedOff: 0, failed: 0, sellerNano: 0, lostTokens: 0 }

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
    const { jobs, listings, exams, deployments } = deps
    const until = clock.mono() + FINISH_MS
    // The owner's own requests are in the engines only.
    const working = (deploymentId: string): boolean => {
      const stats = deployments.engine(deploymentId)?.stats()
      return stats !== undefined && stats.running + stats.queued > 0
    }
    const busy = (): boolean =>
      jobs.live().length > 0 ||
      !listings.drained() ||
      exams.examining() !== null ||
      deployments.allLoaded().some(({ deploymentId }) => working(deploymentId))
    while (busy() && clock.mono() < until) {
      await clock.sleep(LOOK_EVERY_MS, { unref: true })
      if (latest !== mine || listings.wanted()) return false
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
    const paused = deps.listings.pauseAll(WHY)
    const goOn = rule === 'now' || (await finished(mine))
    // Before the jobs: an exam that is over judges no call that ends now.
    if (goOn) deps.exams.giveUp()
    const cost = goOn ? deps.jobs.yieldAll() : NOTHING
    if (goOn) remember()
    const unloaded = goOn ? (await deps.deployments.endAll()).length : 0
    const result = { tookMs: Math.max(0, Math.round(clock.mono() - began)), unloaded, ...cost, paused }
    log.info({ rule, ...result }, goOn ? 'the machine was handed back' : 'handing the machine back was called off')
    return result
  }
  return { handBack }
}
