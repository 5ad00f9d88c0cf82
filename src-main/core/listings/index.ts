/** Listings: what the owner offers, at which ask. */
import type { Listing } from '#contract/market.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { Route } from '#core/jobs/index.ts'

import { followCapacity } from './capacity.worker.ts'
import { countListedTime } from './listed-time.worker.ts'
import { listedTime } from './listings.store.ts'
import { ListingRunner, type ListingsDeps } from './listings.ts'

export { pauseStored } from './listings.store.ts'
export { ENDS_SOON_MS } from './listing-view.ts'

export interface Listings extends Pick<
  ListingRunner,
  'list' | 'pause' | 'pauseAll' | 'resume' | 'relist' | 'withdraw'
> {
  all(): Listing[]
  /** At least one takes jobs, as the owner wants. */
  wanted(): boolean
  /** No accepted work is left of what was paused, withdrawn or moved to another deployment. */
  drained(): boolean
  routeOf(instrument: string): Route | null
  /** Share of the listed time since `from` in which the exchange was reachable; null when nothing was listed. */
  connectedShare(from: number): number | null
  start(): void
  stop(): void
}

export function createListings(context: VenueContext, deps: ListingsDeps): Listings {
  const runner = new ListingRunner(context, deps)
  let stops: (() => void)[] = []
  return {
    all: () => runner.listings(),
    list: (instrument, deploymentId, ask) => runner.list(instrument, deploymentId, ask),
    wanted: () => runner.wanted(),
    drained: () => runner.drained,
    pause: (instrument) => runner.pause(instrument),
    pauseAll: (why) => runner.pauseAll(why),
    resume: (instrument) => runner.resume(instrument),
    relist: (instrument) => runner.relist(instrument),
    withdraw: (instrument) => runner.withdraw(instrument),
    routeOf: (instrument) => runner.routeOf(instrument),
    connectedShare(from) {
      const { listedMs, connectedMs } = listedTime(context.realmDb.read, from)
      return listedMs === 0 ? null : connectedMs / listedMs
    },
    start() {
      stops = [
        runner.attach(),
        countListedTime(context, () => runner.wanted()),
        followCapacity(context, () => runner.followCapacity()),
      ]
    },
    stop() {
      for (const stop of stops) stop()
      stops = []
    },
  }
}
