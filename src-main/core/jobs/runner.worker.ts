/**
 * Serves won jobs: admission, the engine, deltas out, then the claim. On done the claim is committed before job.done is sent; whatever
 * happens after the commit is mended by sync (sync.worker.ts). Prompts and answers live in memory only, and only while the job runs.
 */
import { signClaim } from '#books/receipts.ts'
import { toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineUsage, FinishReason } from '#contract/inference.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import type { CoreContext, DeploymentsFace } from '#core/context.ts'

import { refusal, type JobFrame, type Route } from './admission.ts'
import { findJob, insertJob, type NewJob } from './jobs.store.ts'
import { Run, type CancelReason } from './run.ts'
import type { Settlement } from './settlement.store.ts'

/** What exams tell the runner, and are told. */
export interface ExamSink {
  route(job: JobFrame): Route | null
  /** Stores the reply (an exam's evidence; what was delivered when the call failed) before the exchange is told that the item is done. */
  replied(job: JobFrame, reply: string): void
}

export interface RunnerDeps {
  deployments: Pick<DeploymentsFace, 'loaded'>
  /** What is listed under an instrument now, with the prices that still hold; null when nothing is. */
  routeOf(instrument: string): Route | null
  exams: ExamSink
  settlement: Settlement
}

/** Weight of the newest job in the moving averages that admission reads. */
const PACE_WEIGHT = 0.2
/** How long past its deadline a job without a claim may stay open. */
const OPEN_GRACE_MS = 60_000

export class Runner {
  readonly #context: CoreContext
  readonly #deps: RunnerDeps
  readonly #runs = new Map<string, Run>()
  #pace: { ttftMs: number; tokPerS: number } | null = null

  constructor(context: CoreContext, deps: RunnerDeps) {
    this.#context = context
    this.#deps = deps
  }

  runs(): readonly Run[] {
    return [...this.#runs.values()]
  }

  onJob(frame: JobFrame): void {
    const { realmDb } = this.#context
    // A repetition: running already, or known from before. Nothing is started twice.
    if (this.#runs.has(frame.jobId)) return
    if (findJob(realmDb.read, frame.jobId) !== null)
      return this.#trySend({ t: 'job.reject', jobId: frame.jobId, error: { code: 'CONFLICT', message: 'this job was seen before', data: {} } })
    const route = frame.examId === undefined ? this.#deps.routeOf(frame.instrument) : this.#deps.exams.route(frame)
    const held = this.#deps.deployments.loaded()
    const loaded = held === null ? null : { deploymentId: held.deploymentId, slots: held.model.slots }
    const { engine, exchange, realm } = this.#context
    const { kind } = engine.state()
    const recovering = kind === 'starting' || kind === 'backoff'
    const session = exchange.state()
    const realmFits = session.kind !== 'online' || session.terms.realm === realm
    const error = refusal(frame, { realmFits, route, loaded, recovering, running: this.#runs.size, pace: this.#pace })
    if (error === null) this.#start(frame, route!)
    else this.#reject(frame, route, error)
  }

  onCancel(jobId: string, reason: CancelReason): void {
    const run = this.#runs.get(jobId)
    if (run === undefined || run.cancelled !== null) return
    run.cancelled = reason
    // The verdict, and with the last call the exam's end, may come before the engine has stopped; no text is added after this.
    this.#keepReply(run)
    this.#context.engine.cancel(jobId)
  }

  /** The exchange says nothing will be paid. */
  onVoid(jobId: string, reason: string): void {
    const run = this.#runs.get(jobId)
    if (run !== undefined && this.#finish(run)) this.#context.engine.cancel(jobId)
    // Too late is our failure and counts as one, here as at the exchange; any other void is no fault of the machine.
    if (run?.cancelled === 'deadline') this.#deps.settlement.fail(jobId, reason)
    this.#deps.settlement.voidJob(jobId, reason)
    this.#changed()
  }

  /** The session is gone and with it every running job: the engine stops, the rows stay open until sync says what they are. */
  abandonAll(): void {
    for (const run of this.#runs.values()) {
      this.#keepReply(run)
      this.#finish(run)
      this.#context.engine.cancel(run.frame.jobId)
    }
  }

  /** What an exam call has sent so far is evidence: the exchange may judge the call by it. */
  #keepReply(run: Run): void {
    if (run.frame.examId === undefined || run.replyKept) return
    // Once: a call that was stopped may be sent again as another job before the engine says that it has stopped.
    run.replyKept = true
    try {
      this.#deps.exams.replied(run.frame, run.text)
    } catch (error) {
      this.#context.log.error({ err: error, jobId: run.frame.jobId }, 'the reply to an exam call could not be kept')
    }
  }

  #start(frame: JobFrame, route: Route): void {
    const { clock, engine, events, log, realmDb } = this.#context
    const { jobId, deadlineMs } = frame
    const run = new Run(frame, route, clock, { send: (text) => this.#trySend({ t: 'job.delta', jobId, text }), running: () => this.#runs.size })
    if (frame.examId === undefined) {
      const row = newJob(frame, route, { state: 'running', reason: '', startedAt: run.startedAt, endedAt: null, expiresAt: run.startedAt + deadlineMs + OPEN_GRACE_MS })
      try {
        realmDb.tx((db) => insertJob(db, row))
      } catch (error) {
        // Unrecorded work could not be claimed; the buyer is better off with another supplier.
        log.error({ err: error, jobId }, 'a job could not be recorded and was refused')
        return this.#trySend({ t: 'job.reject', jobId, error: { code: 'INTERNAL', message: 'the job could not be recorded', data: {} } })
      }
      events.changed('jobs')
    }
    this.#runs.set(jobId, run)
    this.#trySend({ t: 'job.accept', jobId })
    engine.submit(jobId, frame.request, {
      onDelta: (text) => run.delta(text),
      onDone: ({ finish, usage }) => {
        try {
          this.#done(run, finish, usage)
        } catch (error) {
          log.error({ err: error, jobId }, 'a finished job could not be recorded')
          this.#fail(run, toErrorValue(error))
        }
      },
      onError: (error) => this.#fail(run, error),
    })
  }

  #reject(frame: JobFrame, route: Route | null, error: ErrorValue): void {
    const { clock, events, realmDb } = this.#context
    this.#trySend({ t: 'job.reject', jobId: frame.jobId, error: { ...error, data: { ...error.data } } })
    if (frame.examId === undefined) {
      const now = clock.now()
      realmDb.tx((db) => insertJob(db, newJob(frame, route, { state: 'rejected', reason: error.message, startedAt: now, endedAt: now, expiresAt: now })))
      events.changed('jobs')
    }
  }

  #done(run: Run, finish: FinishReason, usage: EngineUsage): void {
    if (run.over) return
    if (run.cancelled === 'deadline') return this.#fail(run, { code: 'DEADLINE', message: 'the deadline passed before the answer was done', data: {} })
    if (run.cancelled === 'exchange' || (run.cancelled === null && finish === 'cancelled')) return this.#fail(run, { code: 'CANCELLED', message: 'the job was stopped', data: {} })
    if (run.cancelled === null) run.flush()
    this.#learn(run)
    const { key } = this.#context
    const signed = signClaim(key, run.claim(key, run.cancelled === null ? finish : 'cancelled'))
    const { jobId, examId } = run.frame
    if (examId === undefined) {
      this.#deps.settlement.claim(signed, {
        enginePromptTokens: usage.promptTokens,
        engineCachedTokens: usage.cachedTokens,
        engineGeneratedTokens: usage.generatedTokens,
        tokPerS: run.tokPerS,
      })
    } else this.#deps.exams.replied(run.frame, run.text)
    this.#finish(run)
    this.#trySend({ t: 'job.done', jobId, ...signed })
    if (examId === undefined) this.#changed()
  }

  #fail(run: Run, error: ErrorValue): void {
    if (!this.#finish(run)) return
    const { jobId, examId } = run.frame
    this.#keepReply(run)
    try {
      if (examId === undefined) this.#deps.settlement.fail(jobId, error.message)
    } catch (cause) {
      this.#context.log.error({ err: cause, jobId }, 'a failed job could not be recorded; sync mends it')
    }
    if (examId === undefined) this.#context.events.changed('jobs')
    this.#trySend({ t: 'job.error', jobId, error: { ...error, data: { ...error.data } } })
  }

  #finish(run: Run): boolean {
    if (run.over) return false
    run.over = true
    this.#runs.delete(run.frame.jobId)
    return true
  }

  #learn({ ttftMs, tokPerS }: Run): void {
    if (ttftMs === null || tokPerS === null) return
    const mix = (old: number, now: number): number => old + PACE_WEIGHT * (now - old)
    const old = this.#pace ?? { ttftMs, tokPerS }
    this.#pace = { ttftMs: mix(old.ttftMs, ttftMs), tokPerS: mix(old.tokPerS, tokPerS) }
  }

  #changed(): void {
    for (const topic of ['jobs', 'earnings'] as const) this.#context.events.changed(topic)
  }

  #trySend(frame: SupplierFrame): void {
    try {
      this.#context.exchange.send(frame)
    } catch {
      // Offline: sync settles what this frame would have said.
    }
  }
}

function newJob(
  { jobId, instrument, specVersion, priceNanoPerMtok, reserveNano, salt }: JobFrame,
  route: Route | null,
  rest: Pick<NewJob, 'state' | 'reason' | 'startedAt' | 'endedAt' | 'expiresAt'>,
): NewJob {
  return { jobId, instrument, specVersion, deploymentId: route?.deploymentId ?? '', sha256: route?.sha256 ?? '', priceNano: priceNanoPerMtok, reserveNano, salt, ...rest }
}
