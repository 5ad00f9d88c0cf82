// @vitest-environment jsdom
/** Pages of jobs: what is read, what is read again, and that new jobs lose and double nothing. */
import { createTanstackQueryUtils } from '@orpc/tanstack-query'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, describe, expect, it } from 'vitest'

import type { JobsListInput } from '#contract/jobs.ts'

import type { CoreClient } from '../../src-renderer/connection/core-connection.ts'
import {
  PAGE,
  pageInputs,
  pagesShown,
  useJobPages,
  type JobsFilter,
} from '../../src-renderer/features/jobs/job-pages.ts'
import { VENUE } from '#test/support/venue.ts'

afterEach(cleanup)

const ALL: JobsFilter = { venueId: VENUE, state: null, instrument: null, idPrefix: null, startedBefore: null }

/** Jobs with numbers that rise; a place in the list is a number. */
function fakeJobs(count: number) {
  let newest = count
  const calls: JobsListInput[] = []
  const list = (input: JobsListInput) => {
    calls.push(input)
    const from = input.before === null ? newest : Number(input.before) - 1
    const to = input.downTo === null ? 1 : Number(input.downTo)
    const numbers = Array.from({ length: Math.max(0, Math.min(input.limit, from - to + 1)) }, (_, at) => from - at)
    const next = from - to + 1 > input.limit ? String(numbers.at(-1)) : null
    return Promise.resolve({ jobs: numbers.map((number) => ({ jobId: `job_${number}` })), next })
  }
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: 2_000, retry: false } } })
  const rpc = createTanstackQueryUtils({ jobs: { list } } as unknown as CoreClient)
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  )
  const hook = renderHook(() => useJobPages({ rpc, queries }, ALL), { wrapper })
  const ids = (): number[] => hook.result.current.jobs.map(({ jobId }) => Number(jobId.slice(4)))
  const show = (first: number, last: number): void => act(() => hook.result.current.show(first, last))
  return {
    calls,
    ids,
    show,
    come: (more: number) => void (newest += more),
    /** What a change of the topic `jobs` does (connection/core-provider.tsx). */
    changed: async () => {
      await act(() => queries.invalidateQueries({ queryKey: [['jobs']] }, { cancelRefetch: false }))
    },
    async loadPages(pages: number) {
      await waitFor(() => expect(ids()).toHaveLength(PAGE))
      for (let page = 2; page <= pages; page += 1) {
        show(Math.max(0, ids().length - 30), ids().length - 1)
        await waitFor(() => expect(ids()).toHaveLength(page * PAGE))
      }
    },
  }
}
const down = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from - at)

describe('pages of jobs', () => {
  it('are stretches that meet: each ends where the next begins', () => {
    expect(pageInputs(ALL, ['9', '5']).map(({ before, downTo }) => [before, downTo])).toEqual([
      [null, '9'],
      ['9', '5'],
      ['5', null],
    ])
  })

  it('that are on the screen are found by their rows', () => {
    expect(pagesShown([50, 50, 50], 0, 30)).toEqual([0, 0])
    expect(pagesShown([50, 50, 50], 49, 50)).toEqual([0, 1])
    expect(pagesShown([60, 50, 50], 60, 109)).toEqual([1, 1])
    expect(pagesShown([50, 0], 10, 99)).toEqual([0, 1])
  })

  it('of twenty, a change reads those on the screen and no other', async () => {
    const list = fakeJobs(2_000)
    await list.loadPages(20)
    expect(list.ids()).toEqual(down(2_000, 1_000))
    list.show(500, 530)
    const before = list.calls.length
    for (let change = 0; change < 10; change += 1) await list.changed()
    expect(list.calls.length - before).toBe(10)
  })

  it('grow by what is new at the top, and lose and double nothing', async () => {
    const list = fakeJobs(2_000)
    await list.loadPages(4)
    list.come(7)
    await list.changed()
    list.show(0, 30)
    await waitFor(() => expect(list.ids()).toEqual(down(2_007, 207)))
  })

  it('are cut anew when the first has grown too long', async () => {
    const list = fakeJobs(2_000)
    await list.loadPages(3)
    list.show(0, 20)
    list.come(400)
    await list.changed()
    await waitFor(() => expect(list.ids()[0]).toBe(2_400))
    list.show(0, 20)
    await list.changed()
    await waitFor(() => expect(list.ids()).toEqual(down(2_400, PAGE)))
  })
})
