/**
 * Takes the jobs that were won: admission, the job's row, and the engine; what happens to a job from then on is
 * active-jobs.ts. Prompts and answers live in memory only, and only while the job runs.
 */
import { type ErrorValue, failValue, errorReason } from '#contract/errors.ts'
import { storedReason } from '#contract/reasons.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import type { ExchangeState } from '#core/exchange/exchange.port.ts'
import { trySend } from '#core/exchange/index.ts'

import { refusal, waitTokens, type EngineCall, type JobFrame, type EngineLoad, type Route } from './admission.ts'
import { findJob, insertJob, type NewJob } from './jobs.store.ts'
import { ActiveJob } from './active-job.ts'
import type { ActiveJobs, ActiveJobsDeps } from './active-jobs.ts'

/** What jobs need of exams: the deployment under exam, and a place for the replies. */
export interface ExamSink extends Pick<ActiveJobsDeps['exams'], 'replied'> {
  route(job: JobFrame): Route | null
}

export interface JobIntakeDeps {
  deployments: Pick<DeploymentsService, 'loaded' | 'engine' | 'used'>
  /** What is listed under an instrument now, with the prices that still hold; null when nothing is. */
  routeOf(instrument: string): Route | null
  exams: Pick<ExamSink, 'route'>
}

/** A measured rate that has not moved for so long refuses nobody: the next job measures it again. */
const SPEED_AGE_MS = 60_000
/** How long past its deadline a job without a claim may stay open. */
const OPEN_GRACE_MS = 60_000

export class JobIntake {
  readonly #context: CoreContext
  readonly #deps: JobIntakeDeps
  readonly #activeJobs: ActiveJobs

  constructor(context: CoreContext, deps: JobIntakeDeps, activeJobs: ActiveJobs) {
    this.#context = context
    this.#deps = deps
    this.#activeJobs = activeJobs
  }

  onJob(frame: JobFrame): void {
    const { exchange, realm, realmDb } = this.#context
    // A repetition: running already, or known from before. Nothing is started twice.
    if (this.#activeJobs.has(frame.jobId)) return
    if (findJob(realmDb.read, frame.jobId) !== null)
      return void trySend(exchange, {
        t: 'job.reject',
        jobId: frame.jobId,
        error: failValue('job.seenBefore'),
      })
    const route = frame.examId === undefined ? this.#deps.routeOf(frame.instrument) : this.#deps.exams.route(frame)
    const engine = route === null ? null : this.#deps.deployments.engine(route.deploymentId)
    const kind = engine?.state().kind
    const recovering = kind === 'starting' || kind === 'backoff'
    const session = exchange.state()
    const realmFits = session.kind !== 'online' || session.terms.realm === realm
    const error = refusal(frame, {
      realmFits,
      route,
      recovering,
      loaded: route === null || engine === null ? null : this.#load(route.deploymentId, engine),
    })
    if (error === null) this.#start(frame, route!, engine!)
    else this.#reject(frame, route, error)
  }

  #load(deploymentId: string, engine: EnginePort): EngineLoad | null {
    const loaded = this.#deps.deployments.loaded(deploymentId)
    if (loaded === null) return null
    const { speed, running, queued, waitingPromptTokens } = engine.stats()
    const measures = this.#activeJobs.measures.of(deploymentId)
    const { promptRatio } = measures
    const mono = this.#context.clock.mono()
    measures.speed.see(speed, mono)
    const { slots, contextTokens } = loaded.model
    const calls: EngineCall[] = []
    const count = { job: 0, exam: 0 }
    /** Prompts without text yet, in the engine's tokens. */
    const prompts = { job: 0, exam: 0 }
    for (const job of this.#activeJobs.all()) {
      if (job.route.deploymentId !== deploymentId) continue
      const kind = job.frame.examId === undefined ? 'job' : 'exam'
      const begun = job.ttftMs !== null
      count[kind] += 1
      if (!begun) prompts[kind] += job.inputTokens * (promptRatio ?? 1)
      calls.push({ left: job.frame.request.maxTokens - job.outputTokens, waits: !begun && kind === 'job' })
    }
    return {
      slots,
      contextTokens,
      running: count.job,
      exams: count.exam,
      waitTokens: waitTokens(calls, slots),
      engine: { running, queued },
      speed: measures.speed.fresh(mono, SPEED_AGE_MS),
      // The engine's figure has exam calls in it, and not what was submitted a moment ago.
      waitingPromptTokens: Math.max(waitingPromptTokens - prompts.exam, prompts.job),
      promptRatio,
    }
  }

  #start(frame: JobFrame, route: Route, engine: EnginePort): void {
    const { clock, events, exchange, log, realmDb } = this.#context
    const { jobId, deadlineMs } = frame
    const job = new ActiveJob(frame, route, {
      clock,
      engine,
      send: (text) => void trySend(exchange, { t: 'job.delta', jobId, text }),
      running: () => this.#activeJobs.size,
    })
    if (frame.examId === undefined) {
      const row = newJob(frame, route, exchange.state(), {
        state: 'running',
        reason: '',
        startedAt: job.startedAt,
        endedAt: null,
        expiresAt: job.startedAt + deadlineMs + OPEN_GRACE_MS,
      })
      try {
        realmDb.tx((db) => insertJob(db, row))
      } catch (error) {
        // Unrecorded work could not be claimed; the buyer is better off with another supplier.
        log.error({ err: error, jobId }, 'a job could not be recorded and was refused')
        return void trySend(exchange, {
          t: 'job.reject',
          jobId,
          error: failValue('job.notRecorded'),
        })
      }
      events.changed('jobs')
    }
    const outcome = this.#activeJobs.add(job)
    trySend(exchange, { t: 'job.accept', jobId })
    this.#deps.deployments.used(route.deploymentId)
    engine.submit(jobId, frame.request, outcome, { priority: frame.examId === undefined ? 'job' : 'exam', deadlineMs })
  }

  #reject(frame: JobFrame, route: Route | null, error: ErrorValue): void {
    const { clock, events, exchange, realmDb } = this.#context
    trySend(exchange, { t: 'job.reject', jobId: frame.jobId, error: { ...error, data: { ...error.data } } })
    if (frame.examId === undefined) {
      const now = clock.now()
      realmDb.tx((db) =>
        insertJob(
          db,
          newJob(frame, route, exchange.state(), {
            state: 'rejected',
            reason: storedReason(errorReason(error)),
            startedAt: now,
            endedAt: now,
            expiresAt: now,
          }),
        ),
      )
      events.changed('jobs')
    }
  }
}

function newJob(
  { jobId, instrument, specVersion, priceNanoPerMtok, reserveNano, salt }: JobFrame,
  route: Route | null,
  session: ExchangeState,
  rest: Pick<NewJob, 'state' | 'reason' | 'startedAt' | 'endedAt' | 'expiresAt'>,
): NewJob {
  const terms =
    session.kind === 'online'
      ? { holdMs: session.terms.holdMs, feeBps: session.terms.feeBps }
      : { holdMs: null, feeBps: null }
  const listed = { deploymentId: route?.deploymentId ?? '', sha256: route?.sha256 ?? '' }
  return {
    jobId,
    instrument,
    specVersion,
    ...listed,
    priceNano: priceNanoPerMtok,
    reserveNano,
    salt,
    ...terms,
    ...rest,
  }
}
