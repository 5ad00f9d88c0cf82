/** A pool's jobs: waiting in the pool or running in a member, each ended exactly once. */
import type { ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EngineDone, EngineEvents, EnginePriority } from '#core/engine/engine.port.ts'

import { inTurns, type Ordered } from './pool-order.ts'

export interface PoolJob extends Ordered {
  readonly id: string
  readonly request: EngineRequest
  readonly events: EngineEvents
  readonly priority: EnginePriority
  /** Hashes of the prefixes of its prompt; empty where there is only one member. */
  readonly prefixes: readonly string[]
  /** Estimated at four characters a token, for the sum of the waiting jobs. */
  readonly promptTokens: number
  /** The member it runs in; null while it waits. */
  member: number | null
  /** Members that failed before its first token. */
  readonly tried: Set<number>
  /** Number of this attempt: events of an earlier one are ignored. */
  attempt: number
  /** Some text was delivered: it cannot move to another member any more. */
  delivered: boolean
  cancelled: boolean
  /** Why the last attempt failed. */
  lastError: ErrorValue | null
  /** Monotonic milliseconds. */
  sentAt: number
}

export const NOTHING_USED: EngineDone = {
  finish: 'cancelled',
  usage: { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 },
  ttftMs: 0,
  durationMs: 0,
}

export interface PoolJobs {
  readonly size: number
  get(id: string): PoolJob | undefined
  add(job: PoolJob): void
  /** The waiting jobs in their order. */
  waiting(now: number): PoolJob[]
  /** It went to a member. */
  sent(job: PoolJob, member: number): void
  /** It waits again, for another member. */
  requeue(job: PoolJob): void
  running(member: number): number
  /** Ends the job; later events of its member are ignored. */
  end(job: PoolJob, how: EngineDone | ErrorValue): void
  failAll(error: ErrorValue): void
}

export function createPoolJobs(): PoolJobs {
  const jobs = new Map<string, PoolJob>()
  const running = new Map<number, number>()
  let turns = 0
  const count = (member: number): number => running.get(member) ?? 0
  function requeue(job: PoolJob): void {
    if (job.member !== null) running.set(job.member, count(job.member) - 1)
    job.member = null
    job.attempt += 1
  }
  function end(job: PoolJob, how: EngineDone | ErrorValue): void {
    if (jobs.get(job.id) !== job) return
    jobs.delete(job.id)
    requeue(job)
    if ('code' in how) job.events.onError(how)
    else job.events.onDone(how)
  }
  return {
    get size() {
      return jobs.size
    },
    get: (id) => jobs.get(id),
    add: (job) => void jobs.set(job.id, job),
    waiting: (now) =>
      inTurns(
        [...jobs.values()].filter(({ member }) => member === null),
        now,
        turns,
      ),
    sent(job, member) {
      turns += 1
      job.member = member
      running.set(member, count(member) + 1)
    },
    requeue,
    running: count,
    end,
    failAll(error) {
      for (const job of jobs.values()) end(job, error)
    },
  }
}

export const textLength = ({ messages, prompt }: EngineRequest): number =>
  (prompt?.length ?? 0) + messages.reduce((sum, { content }) => sum + content.length, 0)
