/** Pausing and resuming everything listed: one act behind the space key, the palette and the buttons. */
import { useMutation, useQuery } from '@tanstack/react-query'

import type { Listing } from '#contract/market.ts'
import { sayDone, sayError } from '#ui/notify.ts'

import { useCore } from './core-provider.tsx'
import { useVenue } from './venue.tsx'

export interface ListingSwitch {
  /** What the switch would do now; null when nothing is listed. */
  readonly act: 'pause' | 'resume' | null
  readonly busy: boolean
  readonly toggle: () => void
}

/** Listed or waiting listings are paused together; when all are paused they are resumed. */
export function nextAct(listings: readonly Listing[]): 'pause' | 'resume' | null {
  if (listings.some((listing) => listing.state === 'listed' || listing.state === 'waiting')) return 'pause'
  return listings.some((listing) => listing.state === 'paused') ? 'resume' : null
}

export function useListingSwitch(): ListingSwitch {
  const { rpc, client, queries } = useCore()
  const { venueId } = useVenue()
  const listings = useQuery(rpc.market.listings.queryOptions({ input: { venueId } })).data ?? []
  const act = nextAct(listings)
  const change = useMutation({
    mutationFn: async (what: 'pause' | 'resume') => {
      const states = what === 'pause' ? ['listed', 'waiting'] : ['paused']
      for (const { instrument } of listings.filter((listing) => states.includes(listing.state)))
        await client.market[what]({ venueId, instrument })
      return what
    },
    onSuccess: (what) => {
      sayDone(what === 'pause' ? 'Listing paused: running jobs finish, new ones go elsewhere.' : 'Listing resumed.')
      void queries.invalidateQueries({ queryKey: [['market']] })
      void queries.invalidateQueries({ queryKey: [['app', 'home']] })
    },
    onError: (error) => sayError('The listing did not change', error),
  })
  return { act, busy: change.isPending, toggle: () => act !== null && !change.isPending && change.mutate(act) }
}
