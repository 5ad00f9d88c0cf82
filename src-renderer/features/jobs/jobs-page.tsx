/**
 * Jobs: what was won, what it brought, and what proves it. Prompts and answers are never stored, so they are not here.
 */
import { Button, NativeSelect } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import type { Instrument } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import type { Unit } from '#contract/units.ts'
import { amount, gradeName } from '#ui/format.ts'
import { Skeleton, Empty, Failed } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'
import { Table } from '#ui/table.tsx'

import { useCore, useLive, useUnit } from '../../core-client.ts'
import { jobColumns } from './columns.tsx'
import { JobDrawer } from './job-drawer.tsx'
import { JOB_STATES, type JobStateFilter } from './search.ts'

const PAGE = 50

function sentenceOf(jobs: readonly Job[], running: number, filtered: boolean, unit: Unit): string {
  if (filtered) return jobs.length === 0 ? 'No job matches this filter.' : 'The jobs that match this filter.'
  const last = jobs.find((job) => job.sellerNano !== null && job.state !== 'disputed')
  const now = running === 0 ? 'No job is running' : running === 1 ? 'One job is running' : `${running} jobs are running`
  if (jobs.length === 0) return running === 0 ? 'No job was won yet.' : `${now}.`
  return last === undefined
    ? `${now}; none has been settled yet.`
    : `${now}; the last one settled brought ${amount(last.sellerNano ?? 0, unit)} ${unit.name}.`
}

function Filter({ instruments }: { instruments: readonly string[] }) {
  const search = useSearch({ from: '/jobs' })
  const navigate = useNavigate()
  const go = (change: { state?: JobStateFilter | undefined; instrument?: string | undefined }): void => {
    const merged = { ...search, ...change }
    void navigate({
      to: '/jobs',
      search: {
        ...(merged.state === undefined ? {} : { state: merged.state }),
        ...(merged.instrument === undefined ? {} : { instrument: merged.instrument }),
      },
      replace: true,
    })
  }
  return (
    <span className="btns">
      <NativeSelect
        size="xs"
        aria-label="State"
        value={search.state ?? ''}
        onChange={(event) => go({ state: JOB_STATES.find((state) => state === event.currentTarget.value) })}
        data={[{ value: '', label: 'every state' }, ...JOB_STATES]}
      />
      <NativeSelect
        size="xs"
        aria-label="Grade"
        value={search.instrument ?? ''}
        onChange={(event) =>
          go({ instrument: event.currentTarget.value === '' ? undefined : event.currentTarget.value })
        }
        data={[
          { value: '', label: 'every grade' },
          ...instruments.map((each) => ({ value: each, label: gradeName(each) })),
        ]}
      />
    </span>
  )
}

export function JobsPage() {
  const { rpc } = useCore()
  const search = useSearch({ from: '/jobs' })
  const navigate = useNavigate()
  const live = useLive()
  const unit = useUnit()
  const instruments = useQuery(rpc.market.instruments.queryOptions()).data ?? []
  const query = useInfiniteQuery(
    rpc.jobs.list.infiniteOptions({
      input: (before: string | null) => ({
        before,
        limit: PAGE,
        state: search.state ?? null,
        instrument: (search.instrument ?? null) as Instrument | null,
      }),
      initialPageParam: null,
      getNextPageParam: (page) => page.next,
    }),
  )
  const jobs = query.data?.pages.flatMap((page) => page.jobs) ?? []
  const filtered = search.state !== undefined || search.instrument !== undefined
  const running = live?.value.running.filter((job) => !job.exam).length ?? 0
  const open = (job: string | undefined): void =>
    void navigate({
      to: '/jobs',
      search: {
        ...(search.state === undefined ? {} : { state: search.state }),
        ...(search.instrument === undefined ? {} : { instrument: search.instrument }),
        ...(job === undefined ? {} : { job }),
      },
      replace: true,
    })
  return (
    <>
      <PageHead
        title="Jobs"
        sentence={query.data === undefined ? 'Reading the jobs.' : sentenceOf(jobs, running, filtered, unit)}
        sub="Timings, tokens, price and receipt of every job. What was asked and answered is never written down."
      />
      <Card title="History" aside={<Filter instruments={instruments.map((each) => each.spec.instrument)} />}>
        {query.isError && query.data === undefined && (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        )}
        {query.isLoading && <Skeleton lines={8} />}
        {query.data !== undefined && jobs.length === 0 && (
          <Empty title={filtered ? 'No job matches.' : 'No job yet.'}>
            {filtered
              ? 'Choose another state or grade.'
              : 'With a listing in place the practice buyer usually sends the first one within seconds.'}
          </Empty>
        )}
        {jobs.length > 0 && (
          <Table
            caption="Jobs, newest first"
            columns={jobColumns(unit, open)}
            rows={jobs}
            rowKey={(job) => job.jobId}
          />
        )}
        {query.hasNextPage && (
          <Button
            variant="default"
            size="xs"
            mt={12}
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show {PAGE} older
          </Button>
        )}
      </Card>
      <JobDrawer jobId={search.job ?? null} onClose={() => open(undefined)} />
    </>
  )
}
