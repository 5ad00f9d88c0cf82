/** What runs this second. No prompt text, ever. */
import { Link } from '@tanstack/react-router'

import type { LiveJob } from '#contract/app.ts'
import type { Unit } from '#contract/units.ts'
import { amount, count, gradeName, short, tokPerS } from '#ui/format.ts'
import { Empty } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { speedOf } from '#ui/shown-speed.ts'
import { type Column, Table } from '#ui/table.tsx'
import { clock, duration } from '#ui/format-time.ts'

import { useLive, useUnit, useVenue, useVenueLive } from '../../core-client.ts'
import { useStaleness } from '../../core-client.ts'

const nowSpeed = (value: number | null): string => (value === null ? 'not yet' : tokPerS(value))

const columns = (unit: Unit): Column<LiveJob>[] => [
  {
    head: 'Job',
    cell: (job) =>
      job.exam ? (
        short(job.jobId, 12)
      ) : (
        <Link to="/jobs" search={{ job: job.jobId }} title={job.jobId}>
          {short(job.jobId, 12)}
        </Link>
      ),
  },
  { head: 'Grade', cell: (job) => (job.exam ? `exam, ${gradeName(job.instrument)}` : gradeName(job.instrument)) },
  { head: 'Tokens in / out', cell: (job) => `${count(job.inputTokens)} / ${count(job.outputTokens)}` },
  { head: 'First token', cell: (job) => (job.ttftMs === null ? 'waiting' : duration(job.ttftMs)) },
  { head: 'Speed', cell: (job) => nowSpeed(speedOf(job)) },
  { head: `Earns, ${unit.name}`, right: true, cell: (job) => (job.exam ? 'unpaid' : amount(job.sellerNano, unit)) },
]

export function Now() {
  const live = useLive()
  const { stale, since } = useStaleness()
  const { venueId } = useVenue()
  const unit = useUnit()
  const here = useVenueLive()
  const running = live?.value.running.filter((job) => job.venueId === venueId) ?? []
  return (
    <Card
      title="Now"
      aside={
        <span className="age num">
          {stale
            ? since === null
              ? 'no live values yet'
              : `as of ${clock(since)}`
            : live === null
              ? 'waiting for live values'
              : `live · ${live.value.tokPerS > 0 ? tokPerS(live.value.tokPerS) : 'at rest'}`}
        </span>
      }
    >
      {running.length === 0 ? (
        <Empty title="No job is running.">
          {here?.listing === 'listed'
            ? 'The rig is listed; a job shows here from its first moment.'
            : 'Jobs show here while they run.'}
        </Empty>
      ) : (
        <Table caption="Jobs running now" columns={columns(unit)} rows={running} rowKey={(job) => job.jobId} />
      )}
    </Card>
  )
}
