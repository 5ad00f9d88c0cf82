import { describe, expect, it } from 'vitest'

import type { LiveNow } from '../../src-renderer/connection/core-provider.tsx'
import { exchangeSeen, EXCHANGE_STALE_MS } from '../../src-renderer/connection/staleness.ts'
import { liveNow } from '#test/support/fake-core/home-state.ts'
import { VENUE } from '#test/support/venue.ts'

/** The rig's clock runs an hour ahead of the page's. */
const AHEAD = 3_600_000
const received = 1_000_000
const heard = (agoMs: number | null, kind: 'online' | 'offline' = 'online'): LiveNow => {
  const value = liveNow(true, received + AHEAD)
  return {
    receivedAt: received,
    value: {
      ...value,
      venues: value.venues.map((venue) => ({
        ...venue,
        kind,
        lastSeenAt: agoMs === null ? null : value.at - agoMs,
        detail: null,
      })),
    },
  }
}

describe('the exchange as last heard', () => {
  it('counts by the page, so that two clocks need not agree', () =>
    expect(exchangeSeen(heard(400), VENUE, false, received + 600)).toEqual({ live: true, seenAt: received - 400 }))
  it('a quiet book stays true while the exchange answers, and no longer', () => {
    expect(exchangeSeen(heard(0), VENUE, false, received + EXCHANGE_STALE_MS).live).toBe(true)
    expect(exchangeSeen(heard(0), VENUE, false, received + EXCHANGE_STALE_MS + 1).live).toBe(false)
  })
  it('nothing is alive when the connection is down, the live values are old, or it was never heard', () => {
    expect(exchangeSeen(heard(0, 'offline'), VENUE, false, received).live).toBe(false)
    expect(exchangeSeen(heard(0), VENUE, true, received).live).toBe(false)
    expect(exchangeSeen(heard(null), VENUE, false, received)).toEqual({ live: false, seenAt: null })
    expect(exchangeSeen(null, VENUE, false, received)).toEqual({ live: false, seenAt: null })
  })
})
