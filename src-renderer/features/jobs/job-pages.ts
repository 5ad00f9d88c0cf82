/**
 * The list of jobs as pages of which only those on the screen are read again. Each page but the last is a fixed stretch
 * of the list: from where the one before it ended down to where it ended itself. So nothing is lost or doubled when new
 * jobs come: they make the first page longer, and when it has become too long the pages are cut anew.
 */
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'

import type { Job, JobsListInput } from '#contract/jobs.ts'

import type { useCore } from '../../core-client.ts'

/** Jobs of a page when it is read first. */
export const PAGE = 50
/** Jobs a page may grow to, the contract's own bound. */
const GROWN = 200
/** Further back by jumping to a date: every loaded job stays in memory. */
export const PAGES_MAX = 200

export type JobsFilter = Pick<JobsListInput, 'venueId' | 'state' | 'instrument' | 'startedBefore' | 'idPrefix'>

/** What to ask for each page, by where the known ones end. */
export const pageInputs = (filter: JobsFilter, ends: readonly string[]): JobsListInput[] =>
  [...ends, null].map((end, page) => ({
    ...filter,
    before: ends[page - 1] ?? null,
    downTo: end,
    limit: end === null ? PAGE : GROWN,
  }))

/** The pages that hold these rows, by the number of rows in each. */
export function pagesShown(sizes: readonly number[], first: number, last: number): [first: number, last: number] {
  const pageOf = (row: number): number => {
    let before = 0
    const found = sizes.findIndex((size) => (before += size) > row)
    return found === -1 ? sizes.length - 1 : found
  }
  return [pageOf(first), pageOf(last)]
}

interface Cut {
  filter: string
  ends: readonly string[]
  shown: readonly [number, number]
}

export interface JobPages {
  jobs: Job[]
  /** Nothing of this filter was read yet. */
  isLoading: boolean
  /** Of the first page, where nothing is there to show instead. */
  error: unknown
  /** Older jobs are there, beyond what may be loaded. */
  isCut: boolean
  /** The rows on the screen; at the last one the next page is read. */
  show: (first: number, last: number) => void
  retry: () => void
}

type Core = Pick<ReturnType<typeof useCore>, 'rpc' | 'queries'>

export function useJobPages({ rpc, queries }: Core, filter: JobsFilter): JobPages {
  const name = JSON.stringify(filter)
  const [stored, setCut] = useState<Cut>({ filter: name, ends: [], shown: [0, 0] })
  const cut: Cut = stored.filter === name ? stored : { filter: name, ends: [], shown: [0, 0] }
  const { ends, shown } = cut
  const inputs = pageInputs(filter, ends)
  const pages = useQueries({
    queries: inputs.map((input, page) =>
      rpc.jobs.list.queryOptions({ input, enabled: page >= shown[0] && page <= shown[1] }),
    ),
  })
  const last = pages.at(-1)!.data
  const sizes = pages.map((page) => page.data?.jobs.length ?? 0)
  return {
    jobs: pages.flatMap((page) => page.data?.jobs ?? []),
    isLoading: pages[0]!.data === undefined && !pages[0]!.isError,
    error: pages[0]!.data === undefined ? pages[0]!.error : null,
    isCut: last?.next != null && ends.length >= PAGES_MAX - 1,
    show(first, end) {
      // New jobs made the first page as long as it may be: cut anew from the newest one on.
      if (ends.length > 0 && pages[0]!.data?.next != null) return setCut({ filter: name, ends: [], shown: [0, 0] })
      const [from, to] = pagesShown(sizes, first, end)
      const isAtLast = end >= sizes.reduce((sum, size) => sum + size, 0) - 1
      let cuts = ends
      if (isAtLast && last?.next != null && ends.length < PAGES_MAX - 1) {
        cuts = [...ends, last.next]
        // The page that was open below has its end now, and what was read of it is what it holds.
        const input = pageInputs(filter, cuts)[ends.length]!
        queries.setQueryData(rpc.jobs.list.queryKey({ input }), { jobs: last.jobs, next: null })
      }
      const upTo = isAtLast ? cuts.length : to
      if (cuts !== ends || from !== shown[0] || upTo !== shown[1])
        setCut({ filter: name, ends: cuts, shown: [from, upTo] })
    },
    retry: () => void pages[0]!.refetch(),
  }
}
