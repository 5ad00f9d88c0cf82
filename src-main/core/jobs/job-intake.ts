/**
 * Takes the jobs that were won: admission, the job's row, and the engine; what happens to a job from then on is
 * active-jobs.ts. Prompts and answers live in memory only, and only while the job runs.
 */
import { type ErrorValue, failValue, errorReason } from '#contract/errors.ts'
import { storedReason } from '#contract/reasons.ts'
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { SlotLeases } from '#core/capacity/index.ts'
import type { Lease } from '#core/capacity/lease.port.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import { tell, type OfferedJob } from '#core/venues/index.ts'
import type { VenueState } from '#core/venues/venue.port.ts'

import { refusal, waitTokens, type EngineCall, type EngineLoad, type Route } from './admission.ts'
import { findJob, insertJob, type NewJob } from './jobs.store.ts'
import { venueScope } from './venue-scope.ts'
import { ActiveJob } from './active-job.ts'
import type { ActiveJobs, ActiveJobsDeps } from './active-jobs.ts'

/** What jobs need of exams: the deployment under exam, and a place for the replies. */
export interface ExamSink extends Pick<ActiveJobsDeps['exams'], 'replied'> {
  route(job: OfferedJob): Route | null
}

export interface JobIntakeDeps {
  deployments: Pick<DeploymentsService, 'loaded' | 'engine' | 'used'>
  /** What is listed under an instrument now, with the prices that still hold; null when nothing is. */
  routeOf(instrument: string): Route | null
  exams: Pick<ExamSink, 'route'>
  capacity: Pick<SlotLeases, 'lease' | 'leased' | 'calls'>
  breaker?: Pick<BreakerPort, 'report'>
}

/** A measured rate that has not moved for so long refuses nobody: the next job measures it again. */
const SPEED_AGE_MS = 60_000
/** How long past its deadline a job without a claim may stay open. */
const OPEN_GRACE_MS = 60_000

export class JobIntake {
  readonly #context: VenueContext
  readonly #deps: JobIntakeDeps
  readonly #activeJobs: ActiveJobs

  constructor(context: VenueContext, deps: JobIntakeDeps, activeJobs: ActiveJobs) {
    this.#context = context
    this.#deps = deps
    this.#activeJobs = activeJobs
  }

  onJob(frame: OfferedJob): void {
    const { venue, realm, realmDb } = this.#context
    // A repetition: running already, or known from before. Nothing is started twice.
    if (this.#activeJobs.has(frame.jobId)) return frame.lease?.release()
    if (findJob(realmDb.read, frame.jobId) !== null) {
      frame.lease?.release()
      return void tell(venue, (verbs) => verbs.refuse(frame.jobId, failValue('job.seenBefore')))
    }
    const route = frame.examId === undefined ? this.#deps.routeOf(frame.instrument) : this.#deps.exams.route(frame)
    const engine = route === null ? null : this.#deps.deployments.engine(route.deploymentId)
    const kind = engine?.state().kind
    const recovering = kind === 'starting' || kind === 'backoff'
    const session = venue.state()
    const realmFits = session.kind !== 'online' || session.terms.realm === realm
    const error = refusal(frame, {
      realmFits,
      paysAsk: venue.capabilities.pricing === 'ask',
      route,
      recovering,
      loaded: route === null || engine === null ? null : this.#load(route.deploymentId, engine, frame.lease),
    })
    const lease = error === null ? this.#lease(frame, route!) : null
    if (error === null && (lease !== null || frame.examId !== undefined)) this.#start(frame, route!, engine!, lease)
    else {
      frame.lease?.release()
      this.#reject(frame, route, error ?? failValue('job.slotsTaken'))
    }
  }

  /** The slot it came with, else one that is free; exam calls take none. */
  #lease(frame: OfferedJob, route: Route): Lease | null {
    return frame.examId === undefined ? (frame.lease ?? this.#deps.capacity.lease(route.deploymentId)) : null
  }

  /** `own` is the slot that the job came with: it is not taken by another. */
  #load(deploymentId: string, engine: EnginePort, own: Lease | undefined): EngineLoad | null {
    const loaded = this.#deps.deployments.loaded(deploymentId)
    if (loaded === null) return null
    const { speed, running, queued, waitingPromptTokens } = engine.stats()
    const measures = this.#activeJobs.measures.of(deploymentId)
    const { promptRatio } = measures
    const mono = this.#context.clock.mono()
    measures.speed.see(speed, mono)
    const { slots, contextTokens } = loaded.model
    const calls: EngineCall[] = []
    let exams = 0
    /** Prompts without text yet, in the engine's tokens. */
    const prompts = { job: 0, exam: 0 }
    for (const { exam, begun, inputTokens, tokensLeft } of this.#deps.capacity.calls(deploymentId)) {
      if (exam) exams += 1
      if (!begun) prompts[exam ? 'exam' : 'job'] += inputTokens * (promptRatio ?? 1)
      calls.push({ left: tokensLeft, waits: !begun && !exam })
    }
    return {
      slots,
      contextTokens,
      running: this.#deps.capacity.leased(deploymentId) - (own?.deploymentId === deploymentId ? 1 : 0),
      exams,
      waitTokens: waitTokens(calls, slots),
      engine: { running, queued },
      speed: measures.speed.fresh(mono, SPEED_AGE_MS),
      // The engine's figure has exam calls in it, and not what was submitted a moment ago.
      waitingPromptTokens: Math.max(waitingPromptTokens - prompts.exam, prompts.job),
      promptRatio,
    }
  }

  #start(frame: OfferedJob, route: Route, engine: EnginePort, lease: Lease | null): void {
    const { clock, events, venue, log, realmDb } = this.#context
    const { jobId, deadlineMs } = frame
    const job = new ActiveJob(frame, route, {
      clock,
      engine,
      send: (text) => void tell(venue, (verbs) => verbs.text(jobId, text)),
      running: () => this.#activeJobs.size,
      lease,
    })
    if (frame.examId === undefined) {
      const row = newJob(frame, route, venue.state(), {
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
        lease?.release()
        tell(venue, (verbs) => verbs.refuse(jobId, failValue('job.notRecorded')))
        const { deploymentId } = route
        return this.#deps.breaker?.report({ kind: 'own-fault', deploymentId, code: 'INTERNAL' })
      }
      events.changed('jobs')
    }
    const outcome = this.#activeJobs.add(job)
    tell(venue, (verbs) => verbs.accept(jobId))
    this.#deps.deployments.used(route.deploymentId)
    if (!venue.capabilities.cancel) this.#endAtDeadline(jobId, deadlineMs)
    const { cacheScope } = frame
    const request =
      cacheScope === undefined
        ? frame.request
        : { ...frame.request, cacheScope: venueScope(this.#context.venueId, cacheScope) }
    engine.submit(jobId, request, outcome, { priority: frame.examId === undefined ? 'job' : 'exam', deadlineMs })
  }

  /** A venue that cannot say so itself is not handed anything in after the deadline. */
  #endAtDeadline(jobId: string, deadlineMs: number): void {
    this.#context.clock.sleep(deadlineMs, { unref: true }).then(
      () => this.#activeJobs.onCancel(jobId, 'deadline'),
      () => undefined,
    )
  }

  #reject(frame: OfferedJob, route: Route | null, error: ErrorValue): void {
    const { clock, events, venue, log, realmDb } = this.#context
    tell(venue, (verbs) => verbs.refuse(frame.jobId, error))
    if (frame.examId === undefined) {
      const now = clock.now()
      const row = newJob(frame, route, venue.state(), {
        state: 'rejected',
        reason: storedReason(errorReason(error)),
        startedAt: now,
        endedAt: now,
        expiresAt: now,
      })
      try {
        realmDb.tx((db) => insertJob(db, row))
        events.changed('jobs')
      } catch (cause) {
        // What was refused is refused; that it is not in the list costs nobody anything.
        log.warn({ err: cause, jobId: frame.jobId }, 'a refused job could not be recorded')
      }
    }
  }
}

function newJob(
  { jobId, instrument, specVersion, price, reserveNano, salt }: OfferedJob,
  route: Route | null,
  session: VenueState,
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
    price,
    reserveNano,
    salt,
    ...terms,
    ...rest,
  }
}
