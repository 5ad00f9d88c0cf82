/** Live values are stale after five seconds; at rest the core sends only every five, so half a beat is added there. */
import type { VenueId } from '#contract/ids.ts'
import { useNow } from '#ui/use-now.ts'

import { type LiveNow, useConnection, useLive } from './core-provider.tsx'
import { useVenue, venueIn } from './venue.tsx'

export const LIVE_STALE_MS = 5_000
export const LIVE_REST_STALE_MS = 7_500

/** The exchange is pinged every few seconds; without a word for this long the connection is as good as gone. */
export const EXCHANGE_STALE_MS = 30_000

export interface Staleness {
  stale: boolean
  since: number | null
}

/** True when the last live value is too old or the connection is down; `since` is when the last one came. */
export function useStaleness(): Staleness {
  const live = useLive()
  const connection = useConnection()
  const now = useNow()
  if (live === null) return { stale: connection.kind === 'offline', since: null }
  const limit = live.value.running.length > 0 ? LIVE_STALE_MS : LIVE_REST_STALE_MS
  return { stale: connection.kind !== 'online' || now - live.receivedAt > limit, since: live.receivedAt }
}

export interface ExchangeSeen {
  /** Its connection is alive: what it sent last still holds. */
  live: boolean
  /** When it was last heard, by this page's clock; null when never. */
  seenAt: number | null
}

/**
 * When the exchange was last heard, moved from the rig's clock to the page's; the live value itself must be fresh.
 * Pure.
 */
export function exchangeSeen(live: LiveNow | null, venueId: VenueId, stale: boolean, now: number): ExchangeSeen {
  const venue = venueIn(live?.value, venueId)
  if (live === null || venue === null || venue.lastSeenAt === null) return { live: false, seenAt: null }
  const seenAt = live.receivedAt - (live.value.at - venue.lastSeenAt)
  return { live: !stale && venue.kind === 'online' && now - seenAt <= EXCHANGE_STALE_MS, seenAt }
}

export function useExchangeSeen(): ExchangeSeen {
  return exchangeSeen(useLive(), useVenue().venueId, useStaleness().stale, useNow())
}
