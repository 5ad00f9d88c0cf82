/** What runs this second. No prompt text, ever. */
import { Link } from '@tanstack/react-router'

import type { LiveJob } from '#contract/app.ts'
import type { Unit } from '#contract/units.ts'
import { amount, count, gradeName, short, tokPerS, unitWord } from '#ui/format.ts'
import { Empty } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { speedOf } from '#ui/shown-speed.ts'
import { type Column, Table } from '#ui/table.tsx'
import { clock, duration } from '#ui/format-time.ts'
import { t } from '#ui/say.ts'

import { useLive, useUnit, useVenue, useVenueLive } from '../../core-client.ts'
import { useStaleness } from '../../core-client.ts'

const nowSpeed = (value: number | null): string => (value === null ? t('now.notYet') : tokPerS(value))

const columns = (unit: Unit): Column<LiveJob>[] => [
  {
    head: t('now.job'),
    cell: (job) =>
      job.exam ? (
        short(job.jobId, 12)
      ) : (
        <Link to="/jobs" search={{ job: job.jobId }} title={job.jobId}>
          {short(job.jobId, 12)}
        </Link>
      ),
  },
  {
    head: t('now.grade'),
    cell: (job) => (job.exam ? t('now.examOf', { grade: gradeName(job.instrument) }) : gradeName(job.instrument)),
  },
  { head: t('now.tokens'), cell: (job) => `${count(job.inputTokens)} / ${count(job.outputTokens)}` },
  { head: t('now.firstToken'), cell: (job) => (job.ttftMs === null ? t('now.waiting') : duration(job.ttftMs)) },
  { head: t('now.speed'), cell: (job) => nowSpeed(speedOf(job)) },
  {
    head: t('now.earns', { unit: unitWord(unit) }),
    right: true,
    cell: (job) => (job.exam ? t('now.unpaid') : amount(job.sellerNano, unit)),
  },
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
      title={t('now.title')}
      aside={
        <span className="age num">
          {stale
            ? since === null
              ? t('now.noLive')
              : t('now.asOf', { clock: clock(since) })
            : live === null
              ? t('now.waitingLive')
              : live.value.tokPerS > 0
                ? t('now.live', { speed: tokPerS(live.value.tokPerS) })
                : t('now.atRest')}
        </span>
      }
    >
      {running.length === 0 ? (
        <Empty title={t('now.none')}>{here?.listing === 'listed' ? t('now.noneListed') : t('now.noneWhy')}</Empty>
      ) : (
        <Table caption={t('now.caption')} columns={columns(unit)} rows={running} rowKey={(job) => job.jobId} />
      )}
    </Card>
  )
}
