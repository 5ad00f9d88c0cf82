/**
 * The order of jobs that wait in the pool, by the rule of a host process (host/scheduler/job-order.ts): own use, jobs
 * near their deadline, other jobs, exams; within a class the earliest deadline, then the earliest arrival; every fourth
 * admission goes to the oldest, once it has waited twenty seconds.
 */
import type { EnginePriority } from '#core/engine/engine.port.ts'

const AGED_MS = 20_000
const AGED_EVERY = 4
/**
 * Near its deadline: less than this share of its time is left. The pool does not know how long a member would take.
 */
const NEAR_SHARE = 0.2

export interface Ordered {
  priority: EnginePriority
  /** Monotonic milliseconds. */
  acceptedAt: number
  /** Monotonic milliseconds; null for none. */
  deadlineAt: number | null
  /** Running number of its submission. */
  serial: number
}

/** A missed deadline no longer counts: priority cannot help. */
const deadline = ({ deadlineAt }: Ordered, now: number): number =>
  deadlineAt === null || deadlineAt <= now ? Number.POSITIVE_INFINITY : deadlineAt

function rank(job: Ordered, now: number): number {
  if (job.priority === 'own') return 0
  if (job.priority === 'exam') return 3
  const at = deadline(job, now)
  return at - now < NEAR_SHARE * (at - job.acceptedAt) ? 1 : 2
}

function compare(a: Ordered, b: Ordered, now: number): number {
  const byRank = rank(a, now) - rank(b, now)
  if (byRank !== 0) return byRank
  const [first, second] = [deadline(a, now), deadline(b, now)]
  return first === second ? a.serial - b.serial : first - second
}

/** All jobs in their order; `turns` is the number of admissions so far. `now` in monotonic milliseconds. */
export function inTurns<T extends Ordered>(jobs: readonly T[], now: number, turns: number): T[] {
  const sorted = jobs.toSorted((a, b) => compare(a, b, now))
  if ((turns + 1) % AGED_EVERY !== 0) return sorted
  const oldest = jobs.reduce<T | null>(
    (found, job) => (found === null || job.serial < found.serial ? job : found),
    null,
  )
  return oldest === null || now - oldest.acceptedAt < AGED_MS
    ? sorted
    : [oldest, ...sorted.filter((job) => job !== oldest)]
}
