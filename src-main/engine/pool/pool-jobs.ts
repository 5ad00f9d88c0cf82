/** A pool's jobs: waiting in front of the members or running in one of them, each ended exactly once. */
import type { ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EngineDone, EngineEvents, EnginePriority } from '#core/engine/engine.port.ts'

import { inTurns, type Ordered } from './pool-order.ts'

export interface PoolJob extends Ordered {
  readonly id: string
  readonly request: EngineRequest
  readonly events: EngineEvents
  readonly priority: EnginePriority
  /** Hashes of the beginnings of its prompt; empty where there is one member only. */
  readonly beginnings: readonly string[]
  /** Rough, at four characters a token: for the sum of what waits. */
  readonly promptTokens: number
  /** Where it runs; null while it waits. */
  member: number | null
  /** Members that failed it before its first token. */
  readonly tried: Set<number>
  /** Running number of its attempts: what an earlier member still says is not heard. */
  attempt: number
  /** Something of the answer was delivered: it cannot move to another member. */
  spoke: boolean
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
  /** Those that wait, in the order of their turns. */
  waiting(now: number): PoolJob[]
  /** It went to a member. */
  sent(job: PoolJob, member: number): void
  /** Its member gave it back: it waits again. */
  back(job: PoolJob): void
  running(member: number): number
  /** Ends the job; what its member says of it afterwards is not heard. */
  end(job: PoolJob, how: EngineDone | ErrorValue): void
  failAll(error: ErrorValue): void
}

export function createPoolJobs(): PoolJobs {
  const jobs = new Map<string, PoolJob>()
  const running = new Map<number, number>()
  let turns = 0
  const count = (member: number): number => running.get(member) ?? 0
  function back(job: PoolJob): void {
    if (job.member !== null) running.set(job.member, count(job.member) - 1)
    job.member = null
    job.attempt += 1
  }
  function end(job: PoolJob, how: EngineDone | ErrorValue): void {
    if (jobs.get(job.id) !== job) return
    jobs.delete(job.id)
    back(job)
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
    back,
    running: count,
    end,
    failAll(error) {
      for (const job of jobs.values()) end(job, error)
    },
  }
}

export const textLength = ({ messages, prompt }: EngineRequest): number =>
  (prompt?.length ?? 0) + messages.reduce((sum, { content }) => sum + content.length, 0)
