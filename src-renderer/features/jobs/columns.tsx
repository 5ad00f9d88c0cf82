import type { Job } from '#contract/jobs.ts'
import type { Unit } from '#contract/units.ts'
import { amount, count, gradeName, price, short, unitWord } from '#ui/format.ts'
import { fixed } from '#ui/number-format.ts'
import { Pill, type Tone } from '#ui/pill.tsx'
import { speedOf } from '#ui/shown-speed.ts'
import type { Column } from '#ui/table.tsx'
import { clock, day, duration, moment } from '#ui/format-time.ts'

const STATES: Readonly<Record<Job['state'], Tone>> = {
  running: 'hot',
  claimed: 'warn',
  settled: 'good',
  disputed: 'bad',
  void: 'mute',
  failed: 'bad',
  rejected: 'mute',
}

/** Where its money stands, in the words of the ledger. */
export const MONEY_WORDS: Readonly<Record<Job['money'], string>> = {
  none: 'none',
  pending: 'pending',
  acknowledged: 'acknowledged',
  accrued: 'accrued',
  held: 'held',
  available: 'available',
  paid: 'paid out',
  received: 'received',
  disputed: 'disputed',
  'written-off': 'written off',
}

export const JobState = ({ state }: { state: Job['state'] }) => <Pill tone={STATES[state]}>{state}</Pill>

/** Nothing billed: so far, or for good. */
export const noTokens = (job: Job): string => (job.state === 'running' || job.state === 'claimed' ? 'none yet' : 'none')

const speed = (value: number | null): string =>
  value === null ? 'none' : value >= 100 ? count(value) : fixed(value, 1)

export const jobColumns = (unit: Unit, open: (jobId: string) => void): Column<Job>[] => [
  {
    head: 'Job',
    cell: (job) => (
      <button type="button" className="row-btn" title={job.jobId} onClick={() => open(job.jobId)}>
        {short(job.jobId, 12)}
      </button>
    ),
  },
  {
    head: 'Started',
    cell: (job) => (
      <time dateTime={new Date(job.startedAt).toISOString()} title={moment(job.startedAt)}>
        {day(job.startedAt)} {clock(job.startedAt)}
      </time>
    ),
  },
  { head: 'Grade', wideOnly: true, cell: (job) => gradeName(job.instrument) },
  { head: 'State', cell: (job) => <JobState state={job.state} /> },
  {
    head: 'Tokens in / out',
    right: true,
    cell: (job) =>
      job.inputTokens === null ? noTokens(job) : `${count(job.inputTokens)} / ${count(job.outputTokens ?? 0)}`,
  },
  {
    head: 'First token',
    right: true,
    wideOnly: true,
    cell: (job) => (job.ttftMs === null ? 'none' : duration(job.ttftMs)),
  },
  { head: 'tok/s', right: true, cell: (job) => speed(speedOf(job)) },
  { head: 'Price', right: true, wideOnly: true, cell: (job) => price(job.price, unit) },
  {
    head: `Mine, ${unitWord(unit)}`,
    right: true,
    cell: (job) => (job.sellerNano === null ? 'none' : amount(job.sellerNano, unit)),
  },
  { head: 'Money', right: true, cell: (job) => MONEY_WORDS[job.money] },
]
