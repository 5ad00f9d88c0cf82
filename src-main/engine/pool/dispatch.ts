/**
 * The pool's queue and where its jobs go: to a member with a free slot, in the order of turns, and on to another one
 * when theirs fails before its first token.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineDone, EngineEvents, SubmitOptions } from '#core/engine/engine.port.ts'

import { beginningsOf, createAffinity } from './affinity.ts'
import { GONE, isCrash, moves } from './member-failures.ts'
import { createPoolJobs, NOTHING_USED, textLength, type PoolJob } from './pool-jobs.ts'
import type { PoolKind } from './pool-kind.ts'
import { route, type Candidate } from './choose-member.ts'
import type { Seats } from './pool-members.ts'
import { createThreadShare, type ThreadShare } from './thread-share.ts'

const CHARACTERS_PER_TOKEN = 4

export interface DispatchOptions {
  kind: PoolKind
  clock: Clock
  seats: Seats
  /** A model is wanted and every member has answered: jobs may go. */
  isOpen: () => boolean
}

export class Dispatch {
  readonly jobs = createPoolJobs()
  readonly #options: DispatchOptions
  readonly #affinity = createAffinity()
  #threads: ThreadShare | null = null
  #serial = 0

  constructor(options: DispatchOptions) {
    this.#options = options
  }

  /** One local process orders its own queue; nothing is held in front of it. */
  get isDirect(): boolean {
    return this.#options.kind.local && this.#options.seats.count === 1
  }

  submit(
    id: string,
    request: EngineRequest,
    events: EngineEvents,
    { priority = 'job', deadlineMs }: SubmitOptions,
  ): void {
    const now = this.#options.clock.mono()
    const job: PoolJob = {
      id,
      request,
      events,
      priority,
      acceptedAt: now,
      deadlineAt: deadlineMs === undefined ? null : now + deadlineMs,
      serial: (this.#serial += 1),
      beginnings: this.#options.seats.count > 1 ? beginningsOf(request) : [],
      promptTokens: Math.ceil(textLength(request) / CHARACTERS_PER_TOKEN),
      member: null,
      tried: new Set(),
      attempt: 0,
      spoke: false,
      cancelled: false,
      lastError: null,
      sentAt: now,
    }
    this.jobs.add(job)
    if (this.isDirect) this.#send(job, 0)
    else this.run()
  }

  cancel(jobId: string): void {
    const job = this.jobs.get(jobId)
    if (job === undefined) return
    job.cancelled = true
    if (job.member === null)
      this.jobs.end(job, { ...NOTHING_USED, durationMs: this.#options.clock.mono() - job.acceptedAt })
    else this.#options.seats.at(job.member)?.member.cancel(jobId)
  }

  /** What waits here, and the prompt tokens in it. */
  waiting(): { jobs: number; promptTokens: number } {
    const waiting = this.jobs.waiting(this.#options.clock.mono())
    return { jobs: waiting.length, promptTokens: waiting.reduce((sum, { promptTokens }) => sum + promptTokens, 0) }
  }

  /** Members that can take jobs, but for those in `except`. */
  candidates(except: ReadonlySet<number>): Candidate[] {
    return this.#options.seats.all.flatMap(({ member, down }, index) => {
      const state = member.state()
      if (state.kind !== 'loaded' || down || except.has(index)) return []
      return [{ index, running: this.jobs.running(index), capacity: member.capacity?.() ?? state.model.slots }]
    })
  }

  /** Sends what waits to free slots, in the order of turns. A job that cannot go anywhere any more ends. */
  run(): void {
    if (!this.#options.isOpen()) return
    let full = false
    for (const job of this.jobs.waiting(this.#options.clock.mono())) {
      if (full && job.tried.size === 0) continue
      // Ending one may have ended or sent others.
      if (job.member !== null || this.jobs.get(job.id) !== job) continue
      const candidates = this.candidates(job.tried)
      if (
        job.tried.size === 0 &&
        candidates.length > 0 &&
        candidates.every(({ running, capacity }) => running >= capacity)
      ) {
        full = true
        continue
      }
      if (candidates.length === 0 && (job.lastError !== null || !this.#options.kind.local))
        this.jobs.end(job, job.lastError ?? GONE)
      const index = route(candidates, this.#affinity.holders(job.beginnings))
      if (index !== null) this.#send(job, index)
    }
    this.#shareThreads()
  }

  /** For the members of a load: `threads` of all together; null where they need no sharing out. */
  shareOut(threads: number | null): void {
    const { clock, seats } = this.#options
    this.#threads?.stop()
    this.#threads =
      threads === null
        ? null
        : createThreadShare({
            threads,
            clock,
            grant: (index, limit) => seats.at(index)?.member.setThreadLimit?.(limit),
          })
  }

  /** The member is not loaded any more: what it had evaluated and was granted is gone. */
  lost(index: number): void {
    this.#affinity.forget(index)
    this.#threads?.forget(index)
  }

  /** As lost, of all members after an unload. */
  forgetPrompts(): void {
    for (const index of this.#options.seats.all.keys()) this.#affinity.forget(index)
  }

  /** No thread is granted any more. */
  stop(): void {
    this.#threads?.stop()
  }

  #shareThreads(): void {
    this.#threads?.working(new Set([...this.#options.seats.all.keys()].filter((index) => this.jobs.running(index) > 0)))
  }

  #send(job: PoolJob, index: number): void {
    const { clock, seats } = this.#options
    const now = clock.mono()
    const attempt = (job.attempt += 1)
    this.jobs.sent(job, index)
    job.sentAt = now
    this.#affinity.served(job.beginnings, index)
    this.#shareThreads()
    const waited = this.isDirect ? 0 : now - job.acceptedAt
    const events: EngineEvents = {
      onDelta: (text, logprobs) => {
        if (job.attempt !== attempt) return
        job.spoke = true
        if (logprobs === undefined) job.events.onDelta(text)
        else job.events.onDelta(text, logprobs)
      },
      onDone: (done) => {
        if (job.attempt === attempt)
          this.#ended(job, { ...done, ttftMs: done.ttftMs + waited, durationMs: done.durationMs + waited })
      },
      onError: (error) => {
        if (job.attempt === attempt) this.#failed(job, index, error)
      },
    }
    const deadline = job.deadlineAt === null ? {} : { deadlineMs: Math.max(0, job.deadlineAt - now) }
    seats.at(index)?.member.submit(job.id, job.request, events, { priority: job.priority, ...deadline })
  }

  #ended(job: PoolJob, how: EngineDone | ErrorValue): void {
    this.jobs.end(job, how)
    this.run()
  }

  #failed(job: PoolJob, index: number, error: ErrorValue): void {
    const seat = this.#options.seats.at(index)
    // The client tells its jobs of a crash before it tells its state.
    const crashed = this.#options.kind.local && isCrash(error)
    if (seat !== undefined && crashed && !seat.down) {
      seat.down = true
      seat.suspects = this.jobs.running(index)
    }
    // Alone in a process that ends, or in a second one: the job is the likeliest reason, and would end the next one
    // with all streams in it.
    const poison =
      crashed && (seat === undefined || seat.suspects < 2 || (job.lastError !== null && isCrash(job.lastError)))
    if (job.cancelled && moves(error)) return this.#ended(job, NOTHING_USED)
    job.tried.add(index)
    if (job.spoke || poison || !moves(error) || this.candidates(job.tried).length === 0) return this.#ended(job, error)
    this.jobs.back(job)
    job.lastError = error
    this.run()
  }
}
