/** Live values are stale after five seconds; at rest the core sends only every five, so half a beat is added there. */
import { useNow } from '#ui/use-now.ts'

import { useConnection, useLive } from './core.tsx'

export const LIVE_STALE_MS = 5_000
export const LIVE_REST_STALE_MS = 7_500

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
