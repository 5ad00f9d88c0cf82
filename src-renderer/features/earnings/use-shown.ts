/**
 * What the page shows: the newest answer, with the view it was asked for. Until the answer to a new view is there, the
 * old figures stay under their own words, and `old` is set.
 */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'

import type { Series } from '#contract/earnings.ts'
import { viewerZone } from '#ui/format-time.ts'

import { useConnection, useCore, useVenue } from '../../core-client.ts'
import { type EarningsSearch, parseEarningsSearch, rangeOf } from './earnings-search.ts'

/** The running bucket moves on without any event: so long may a chart lag behind the clock. */
export const READ_AGAIN_MS = 60_000

export interface Shown {
  view: EarningsSearch
  series: Series
}

/** The router hands on what no page of the way had checked too: it is checked here. */
export function useView(): EarningsSearch {
  const search: Record<string, unknown> = useSearch({ from: '/earnings' })
  return useMemo(() => parseEarningsSearch(search), [search])
}

/** What is given is set, `undefined` taken away; a step of its own in the history. */
export function useGo(): (change: { [Field in keyof EarningsSearch]?: EarningsSearch[Field] | undefined }) => void {
  const view = useView()
  const navigate = useNavigate()
  return (change) => {
    const merged = Object.entries({ ...view, ...change }).filter(([, value]) => value !== undefined)
    void navigate({ to: '/earnings', search: Object.fromEntries(merged) as EarningsSearch })
  }
}

export function useShown() {
  const { client } = useCore()
  const { venueId } = useVenue()
  const { show: _show, ...view } = useView()
  const input = { venueId, ...rangeOf(view, viewerZone()) }
  const query = useQuery({
    queryKey: [['earnings', 'series'], { shown: input, split: view.split }],
    queryFn: async ({ signal }): Promise<Shown> => ({ view, series: await client.earnings.series(input, { signal }) }),
    placeholderData: (before) => before,
    refetchInterval: READ_AGAIN_MS,
  })
  const isAway = useConnection().kind !== 'online'
  return { query, old: query.isPlaceholderData || (isAway && query.data !== undefined) }
}
