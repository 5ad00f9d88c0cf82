/**
 * The pool's queue, and the routing of its jobs: in their order to a member with a free slot, and to another one when
 * their member fails before the first token.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineDone, EngineEvents, SubmitOptions } from '#core/engine/engine.port.ts'

import { prefixesOf, createAffinity } from './affinity.ts'
import { GONE, isCrash, moves } from './member-failures.ts'
import { createPoolJobs, NOTHING_USED, textLength, type PoolJob } from './pool-jobs.ts'
import type { PoolKind } from './pool-kind.ts'
import { route, type Candidate } from './choose-member.ts'
import type { PoolMembers } from './pool-members.ts'
import { createThreadShare, type ThreadShare } from './thread-share.ts'

const CHARACTERS_PER_TOKEN = 4

export interface DispatchDeps {
  kind: PoolKind
  clock: Clock
  members: PoolMembers
  /** A model is wanted and every member has answered: jobs may be sent. */
  isOpen: () => boolean
}

export class Dispatch {
  readonly jobs = createPoolJobs()
  readonly #deps: DispatchDeps
  readonly #affinity = createAffinity()
  #threads: ThreadShare | null = null
  #serial = 0

  constructor(deps: DispatchDeps) {
    this.#deps = deps
  }

  /** With one local process nothing waits in the pool: the process orders its own queue. */
  get isDirect(): boolean {
    return this.#deps.kind.local && this.#deps.members.count === 1
  }

  submit(
    id: string,
    request: EngineRequest,
    events: EngineEvents,
    { priority = 'job', deadlineMs }: SubmitOptions,
  ): void {
    const now = this.#deps.clock.mono()
    const job: PoolJob = {
      id,
      request,
      events,
      priority,
      acceptedAt: now,
      deadlineAt: deadlineMs === undefined ? null : now + deadlineMs,
      serial: (this.#serial += 1),
      prefixes: this.#deps.members.count > 1 ? prefixesOf(request) : [],
      promptTokens: Math.ceil(textLength(request) / CHARACTERS_PER_TOKEN),
      member: null,
      tried: new Set(),
      attempt: 0,
      delivered: false,
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
      this.jobs.end(job, { ...NOTHING_USED, durationMs: this.#deps.clock.mono() - job.acceptedAt })
    else this.#deps.members.at(job.member)?.engine.cancel(jobId)
  }

  /** Jobs that wait here, and their prompt tokens. */
  waiting(): { jobs: number; promptTokens: number } {
    const waiting = this.jobs.waiting(this.#deps.clock.mono())
    return { jobs: waiting.length, promptTokens: waiting.reduce((sum, { promptTokens }) => sum + promptTokens, 0) }
  }

  /** Members that can take jobs, without those in `except`. */
  candidates(except: ReadonlySet<number>): Candidate[] {
    return this.#deps.members.all.flatMap(({ engine, down }, index) => {
      const state = engine.state()
      if (state.kind !== 'loaded' || down || except.has(index)) return []
      return [{ index, running: this.jobs.running(index), capacity: engine.capacity?.() ?? state.model.slots }]
    })
  }

  /** Sends waiting jobs to free slots, in their order. A job for which no member is left fails. */
  run(): void {
    if (!this.#deps.isOpen()) return
    let full = false
    for (const job of this.jobs.waiting(this.#deps.clock.mono())) {
      if (full && job.tried.size === 0) continue
      // The end of one may have ended or sent others.
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
      if (candidates.length === 0 && (job.lastError !== null || !this.#deps.kind.local))
        this.jobs.end(job, job.lastError ?? GONE)
      const index = route(candidates, this.#affinity.cachedBy(job.prefixes))
      if (index !== null) this.#send(job, index)
    }
    this.#shareThreads()
  }

  /** Sets the threads that the members of a load share; null where they do not share. */
  setSharedThreads(threads: number | null): void {
    const { clock, members } = this.#deps
    this.#threads?.stop()
    this.#threads =
      threads === null
        ? null
        : createThreadShare({
            threads,
            clock,
            grant: (index, limit) => members.at(index)?.engine.setThreadLimit?.(limit),
          })
  }

  /** The member is not loaded any more: its prefix cache and its share of the threads are gone. */
  lost(index: number): void {
    this.#affinity.forget(index)
    this.#threads?.forget(index)
  }

  /** After an unload the prefix caches of all members are gone. */
  forgetPrefixes(): void {
    for (const index of this.#deps.members.all.keys()) this.#affinity.forget(index)
  }

  /** No threads are granted any more. */
  stop(): void {
    this.#threads?.stop()
  }

  #shareThreads(): void {
    this.#threads?.working(new Set([...this.#deps.members.all.keys()].filter((index) => this.jobs.running(index) > 0)))
  }

  #send(job: PoolJob, index: number): void {
    const { clock, members } = this.#deps
    const now = clock.mono()
    const attempt = (job.attempt += 1)
    this.jobs.sent(job, index)
    job.sentAt = now
    this.#affinity.served(job.prefixes, index)
    this.#shareThreads()
    const waited = this.isDirect ? 0 : now - job.acceptedAt
    const events: EngineEvents = {
      onDelta: (text, logprobs) => {
        if (job.attempt !== attempt) return
        job.delivered = true
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
    members.at(index)?.engine.submit(job.id, job.request, events, { priority: job.priority, ...deadline })
  }

  #ended(job: PoolJob, how: EngineDone | ErrorValue): void {
    this.jobs.end(job, how)
    this.run()
  }

  #failed(job: PoolJob, index: number, error: ErrorValue): void {
    const member = this.#deps.members.at(index)
    // The client reports a crash to its jobs before its state changes.
    const crashed = this.#deps.kind.local && isCrash(error)
    if (member !== undefined && crashed && !member.down) {
      member.down = true
      member.suspects = this.jobs.running(index)
    }
    // A job that ran alone in the process that crashed, or whose second process crashed, is the likeliest reason: it
    // would take the next process down with all streams in it.
    const poison =
      crashed && (member === undefined || member.suspects < 2 || (job.lastError !== null && isCrash(job.lastError)))
    if (job.cancelled && moves(error)) return this.#ended(job, NOTHING_USED)
    job.tried.add(index)
    if (job.delivered || poison || !moves(error) || this.candidates(job.tried).length === 0)
      return this.#ended(job, error)
    this.jobs.requeue(job)
    job.lastError = error
    this.run()
  }
}
