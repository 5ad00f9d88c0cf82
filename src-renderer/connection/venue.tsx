/** The venue whose figures the screens show: the first of the rig, until there is a choice. */
import { createContext, use, type ReactNode } from 'react'

import type { Live } from '#contract/app.ts'

import type { ConnectionState } from './core-connection.ts'
import { useLive } from './core-provider.tsx'

type Hello = Extract<ConnectionState, { kind: 'online' }>['hello']
export type ShownVenue = Hello['venues'][number]

const VenueShown = createContext<ShownVenue | null>(null)

export function VenueProvider({ venue, children }: { venue: ShownVenue; children: ReactNode }) {
  return <VenueShown value={venue}>{children}</VenueShown>
}

export function useVenue(): ShownVenue {
  const venue = use(VenueShown)
  if (venue === null) throw new Error('useVenue needs a VenueProvider above it')
  return venue
}

/** What the venue pays in, as the core says. */
export const useUnit = (): ShownVenue['unit'] => useVenue().unit

type LiveVenue = Live['venues'][number]

/** The part of a live value that is about one venue; null before the first value, or when it is not there any more. */
export const venueIn = (live: Live | undefined, venueId: ShownVenue['venueId']): LiveVenue | null =>
  live?.venues.find((venue) => venue.venueId === venueId) ?? null

export function useVenueLive(): LiveVenue | null {
  const { venueId } = useVenue()
  return venueIn(useLive()?.value, venueId)
}
