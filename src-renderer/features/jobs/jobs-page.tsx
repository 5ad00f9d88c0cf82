/**
 * Jobs: what was won, what it brought, and what proves it. Prompts and answers are never stored, so they are not here.
 */
import { NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import type { Instrument } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import type { Unit } from '#contract/units.ts'
import { amount, gradeName, unitWord } from '#ui/format.ts'
import { Skeleton, Empty, Failed } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'
import { VirtualTable } from '#ui/virtual-table.tsx'

import { useCore, useLive, useVenue } from '../../core-client.ts'
import { jobColumns } from './columns.tsx'
import { JobDrawer } from './job-drawer.tsx'
import { PAGE, PAGES_MAX, useJobPages } from './job-pages.ts'
import { endOfDay, JOB_STATES, type JobsSearch } from './search.ts'

function sentenceOf(jobs: readonly Job[], running: number, filtered: boolean, unit: Unit): string {
  if (filtered) return jobs.length === 0 ? 'No job matches this filter.' : 'The jobs that match this filter.'
  const last = jobs.find((job) => job.sellerNano !== null && job.state !== 'disputed')
  const now = running === 0 ? 'No job is running' : running === 1 ? 'One job is running' : `${running} jobs are running`
  if (jobs.length === 0) return running === 0 ? 'No job was won yet.' : `${now}.`
  return last === undefined
    ? `${now}; none has been settled yet.`
    : `${now}; the last one settled brought ${amount(last.sellerNano ?? 0, unit)} ${unitWord(unit)}.`
}

/** What is given is set, `undefined` taken away; the rest of the address stays. */
function useGo(): (change: { [Field in keyof JobsSearch]?: JobsSearch[Field] | undefined }) => void {
  const search = useSearch({ from: '/jobs' })
  const navigate = useNavigate()
  return (change) => {
    const merged = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined)
    void navigate({ to: '/jobs', search: Object.fromEntries(merged) as JobsSearch, replace: true })
  }
}

function Filter({ instruments }: { instruments: readonly string[] }) {
  const search = useSearch({ from: '/jobs' })
  const go = useGo()
  const isSearch = search.id !== undefined
  return (
    <span className="btns">
      <TextInput
        size="xs"
        aria-label="Job whose id begins with"
        placeholder="job id, or its beginning"
        maxLength={96}
        spellCheck={false}
        value={search.id ?? ''}
        onChange={(event) => go({ id: event.currentTarget.value.trim() || undefined })}
      />
      <TextInput
        size="xs"
        type="date"
        aria-label="From this day back"
        disabled={isSearch}
        value={search.until ?? ''}
        onChange={(event) => go({ until: event.currentTarget.value || undefined })}
      />
      <NativeSelect
        size="xs"
        aria-label="State"
        disabled={isSearch}
        value={search.state ?? ''}
        onChange={(event) => go({ state: JOB_STATES.find((state) => state === event.currentTarget.value) })}
        data={[{ value: '', label: 'every state' }, ...JOB_STATES]}
      />
      <NativeSelect
        size="xs"
        aria-label="Grade"
        disabled={isSearch}
        value={search.instrument ?? ''}
        onChange={(event) => go({ instrument: event.currentTarget.value || undefined })}
        data={[
          { value: '', label: 'every grade' },
          ...instruments.map((each) => ({ value: each, label: gradeName(each) })),
        ]}
      />
    </span>
  )
}

/** Why the list is empty, or where it goes on. */
function Empties({ filtered }: { filtered: boolean }) {
  return (
    <Empty title={filtered ? 'No job matches.' : 'No job yet.'}>
      {filtered
        ? 'Choose another state, grade, day or id.'
        : 'With a listing in place the practice buyer usually sends the first one within seconds.'}
    </Empty>
  )
}

export function JobsPage() {
  const core = useCore()
  const search = useSearch({ from: '/jobs' })
  const go = useGo()
  const live = useLive()
  const { venueId, unit } = useVenue()
  const instruments = useQuery(core.rpc.market.instruments.queryOptions({ input: { venueId } })).data ?? []
  const { state = null, instrument = null, id = null, until } = search
  const pages = useJobPages(core, {
    venueId,
    state,
    instrument: instrument as Instrument | null,
    idPrefix: id,
    startedBefore: until === undefined ? null : endOfDay(until),
  })
  const { jobs, isLoading, error } = pages
  const filtered = state !== null || instrument !== null || id !== null || until !== undefined
  const running = live?.value.running.filter((job) => !job.exam).length ?? 0
  return (
    <>
      <PageHead
        title="Jobs"
        sentence={isLoading ? 'Reading the jobs.' : sentenceOf(jobs, running, filtered, unit)}
        sub="Timings, tokens, price and receipt of every job. What was asked and answered is never written down."
      />
      <Card title="History" aside={<Filter instruments={instruments.map((each) => each.spec.instrument)} />}>
        {error !== null && <Failed error={error} onRetry={pages.retry} />}
        {isLoading && <Skeleton lines={8} />}
        {!isLoading && error === null && jobs.length === 0 && <Empties filtered={filtered} />}
        {jobs.length > 0 && (
          <VirtualTable
            caption="Jobs, newest first"
            columns={jobColumns(unit, (job) => go({ job }))}
            rows={jobs}
            rowKey={(job) => job.jobId}
            onShown={pages.show}
          />
        )}
        {pages.isCut && (
          <p className="sub">{`Older jobs than these ${PAGES_MAX * PAGE} are reached by choosing a day.`}</p>
        )}
      </Card>
      <JobDrawer jobId={search.job ?? null} onClose={() => go({ job: undefined })} />
    </>
  )
}
