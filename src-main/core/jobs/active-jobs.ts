/**
 * The jobs that run, and how each of them ends: done, with a claim that is committed before job.done is sent; failed;
 * stopped by its buyer, the exchange or the owner. A failure after the commit is repaired by the next sync
 * (exchange-sync.ts).
 */
import { signClaim } from '#books/receipts.ts'
import { OF_THE_REQUEST } from '#contract/error-codes.ts'
import { type ErrorCode, type ErrorValue, failValue, errorReason, toErrorValue } from '#contract/errors.ts'
import { type Reason, said } from '#contract/reasons.ts'
import type { EngineUsage, FinishReason } from '#contract/inference.ts'
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { SlotLeases } from '#core/capacity/index.ts'
import type { EngineEvents } from '#core/engine/engine.port.ts'
import { tell, type OfferedJob } from '#core/venues/index.ts'

import { interruptionCost, type InterruptionCost } from './interruption-cost.ts'
import type { MeasuresOfAll } from './measures.ts'
import type { CancelReason, ActiveJob } from './active-job.ts'
import type { Settlement } from './settlement.store.ts'
import { redact } from './public-error.ts'

export interface ActiveJobsDeps {
  deployments: Pick<DeploymentsService, 'used'>
  capacity: Pick<SlotLeases, 'serve'>
  /** Of all venues: what was measured is the machine's. */
  measures: MeasuresOfAll
  exams: {
    /**
     * Stores the reply (an exam's evidence; what was delivered when the call failed) before the exchange hears that
     * the item is done.
     */
    replied(job: OfferedJob, reply: string): void
  }
  settlement: Settlement
  breaker?: Pick<BreakerPort, 'report'>
}

/**
 * Codes of failures that are this machine's: not what a request asked in vain, not what was stopped or taken back by
 * anybody.
 */
const OWN_FAULTS: readonly ErrorCode[] = [
  'INTERNAL',
  'DB_CORRUPT',
  'TIMEOUT',
  'DEADLINE',
  'ENGINE_CRASHED',
  'ENGINE_BROKEN',
  'ENGINE_LOAD_FAILED',
  'ENGINE_OUT_OF_MEMORY',
  'ENGINE_UNREACHABLE',
  'ENGINE_REFUSED',
]

interface Failure {
  job: ActiveJob
  error: ErrorValue
}

export class ActiveJobs {
  readonly #context: VenueContext
  readonly #deps: ActiveJobsDeps
  readonly #jobs = new Map<string, { job: ActiveJob; served: () => void }>()
  readonly #ended = new Set<() => void>()
  /** Failed jobs whose end could not be written: as many as ran when the disk failed, at most. */
  readonly #unwritten = new Map<string, Parameters<Settlement['fail']>[0][number]>()
  readonly measures: MeasuresOfAll

  constructor(context: VenueContext, deps: ActiveJobsDeps) {
    this.#context = context
    this.#deps = deps
    this.measures = deps.measures
  }

  all(): readonly ActiveJob[] {
    return [...this.#jobs.values()].map(({ job }) => job)
  }

  get size(): number {
    return this.#jobs.size
  }

  has(jobId: string): boolean {
    return this.#jobs.has(jobId)
  }

  /** Called after every end of a job. */
  onEnded(listener: () => void): () => void {
    this.#ended.add(listener)
    return () => this.#ended.delete(listener)
  }

  /** Counts it as running; the engine reports on it through the returned events. */
  add(job: ActiveJob): EngineEvents {
    const served = this.#deps.capacity.serve(job.route.deploymentId, job)
    this.#jobs.set(job.frame.jobId, { job, served })
    return {
      onDelta: (text) => job.delta(text),
      onDone: ({ finish, usage }) => this.#finished(job, finish, usage),
      // The buyer left before and pays for what came: the engine's end does not undo that.
      onError: (error) =>
        job.cancelled === 'buyer'
          ? this.#finished(job, 'cancelled', null)
          : this.#failAll([{ job, error: redact(error) }]),
    }
  }

  onCancel(jobId: string, reason: CancelReason): void {
    const job = this.#jobs.get(jobId)?.job
    // It crossed our claim on the way: the exchange bills what the buyer had received when they left.
    if (job === undefined && reason === 'buyer') this.#deps.settlement.buyerLeft(jobId)
    if (job === undefined || job.cancelled !== null) return
    job.cancelled = reason
    if (reason === 'deadline') this.#served(job)
    // The verdict, and with the last call the exam's end, may come before the engine has stopped; no text is added
    // after this.
    this.#keepReply(job)
    job.engine.cancel(jobId)
  }

  /** The exchange says nothing will be paid. */
  onVoid(jobId: string, reason: string): void {
    const job = this.#jobs.get(jobId)?.job
    if (job !== undefined && this.#finish(job)) job.engine.cancel(jobId)
    // Too late is our failure and counts as one, here as at the exchange; any other void is no fault of the machine.
    if (job?.cancelled === 'deadline') {
      this.#deps.settlement.fail([{ jobId, reason: said(reason) }])
      this.#deps.breaker?.report({ kind: 'own-fault', deploymentId: job.route.deploymentId, code: 'DEADLINE' })
    }
    this.#deps.settlement.voidJob(jobId, reason)
    this.#changed()
  }

  /**
   * The session is gone and with it every running job: the engine stops, the rows stay open until sync says what they
   * are.
   */
  abandonAll(): void {
    for (const job of this.all()) {
      this.#keepReply(job)
      this.#finish(job)
      job.engine.cancel(job.frame.jobId)
    }
  }

  /** Bought jobs of one instrument on one deployment. */
  boughtOf(instrument: string, deploymentId: string): ActiveJob[] {
    return this.all().filter(
      ({ frame, route }) =>
        frame.examId === undefined && frame.instrument === instrument && route.deploymentId === deploymentId,
    )
  }

  /** Ends them: their buyers get an error and pay nothing. How many there were. */
  giveUp(instrument: string, deploymentId: string, reason: Reason): number {
    const mine = this.boughtOf(instrument, deploymentId)
    this.#failAll(mine.map((job) => ({ job, error: failValue('job.givenUp', { reason }) })))
    return mine.length
  }

  /**
   * Ends everything at once, for the owner who wants the machine: jobs without any text go back so that the exchange
   * gives them to another supplier, those in the middle fail and their buyers pay nothing. Exam calls just end: their
   * exam was cancelled before.
   */
  yieldAll(feeBps: number): InterruptionCost {
    const failures: Failure[] = []
    for (const job of this.all()) {
      // The buyer left and pays for what came: that is claimed, so it costs nothing here. What the engine counted is
      // not known any more.
      if (job.cancelled === 'buyer') this.#finished(job, 'cancelled', null)
      else if (job.ttftMs === null)
        failures.push({
          job,
          error: failValue('job.handedBackBefore'),
        })
      else failures.push({ job, error: failValue('job.handedBack') })
    }
    const cost = interruptionCost(
      failures.map(({ job }) => job),
      feeBps,
    )
    this.#failAll(failures)
    return cost
  }

  /** Records the ends that could not be written, for instance for want of disk. Throws what still stands in the way. */
  recordRemaining(): void {
    if (this.#unwritten.size === 0) return
    this.#deps.settlement.fail([...this.#unwritten.values()])
    this.#unwritten.clear()
    this.#changed()
  }

  /** What an exam call has sent so far is evidence: the exchange may judge the call by it. */
  #keepReply(job: ActiveJob): void {
    if (job.frame.examId === undefined || job.replyKept) return
    // Once: a call that was stopped may be sent again as another job before the engine says that it has stopped.
    job.replyKept = true
    try {
      this.#deps.exams.replied(job.frame, job.text)
    } catch (error) {
      this.#context.log.error({ err: error, jobId: job.frame.jobId }, 'the reply to an exam call could not be kept')
    }
  }

  #finished(job: ActiveJob, finish: FinishReason, usage: EngineUsage | null): void {
    try {
      this.#done(job, finish, usage)
    } catch (error) {
      this.#context.log.error({ err: error, jobId: job.frame.jobId }, 'a finished job could not be recorded')
      this.#failAll([{ job, error: redact(toErrorValue(error)) }])
    }
  }

  #done(job: ActiveJob, finish: FinishReason, usage: EngineUsage | null): void {
    if (job.over) return
    if (job.cancelled === 'deadline') return this.#failAll([{ job, error: failValue('job.deadline') }])
    if (job.cancelled === 'exchange' || (job.cancelled === null && finish === 'cancelled'))
      return this.#failAll([{ job, error: failValue('job.stopped') }])
    if (job.cancelled === null) {
      job.flush()
      if (usage !== null) this.measures.of(job.route.deploymentId).counted(job, usage)
      this.#served(job)
    }
    const { key } = this.#context
    const signed = signClaim(key, job.claim(key, job.cancelled === null ? finish : 'cancelled'))
    const { jobId, examId } = job.frame
    if (examId === undefined) {
      this.#deps.settlement.claim(signed, {
        enginePromptTokens: usage?.promptTokens ?? null,
        engineCachedTokens: usage?.cachedTokens ?? null,
        engineGeneratedTokens: usage?.generatedTokens ?? null,
        tokPerS: job.tokPerS,
      })
    } else this.#deps.exams.replied(job.frame, job.text)
    this.#finish(job)
    tell(this.#context.venue, (verbs) => verbs.done({ jobId, ...signed, text: job.text }))
    if (examId !== undefined) return
    this.#deps.breaker?.report({ kind: 'served', deploymentId: job.route.deploymentId })
    this.#changed()
  }

  /** In one commit, so that giving the machine back does not wait for the disk once a job. */
  #failAll(failures: readonly Failure[]): void {
    const { events, log } = this.#context
    const ended = failures.filter(({ job }) => this.#finish(job))
    if (ended.length === 0) return
    for (const { job } of ended) {
      this.#keepReply(job)
      job.engine.cancel(job.frame.jobId)
    }
    const bought = ended.filter(({ job }) => job.frame.examId === undefined)
    const ends = bought.map(({ job, error }) => ({
      jobId: job.frame.jobId,
      reason: errorReason(error),
      ofTheRequest: !job.begun && OF_THE_REQUEST.includes(error.code),
    }))
    try {
      if (ends.length > 0) this.#deps.settlement.fail(ends)
    } catch (cause) {
      log.error({ err: cause, jobIds: ends.map(({ jobId }) => jobId) }, 'failed jobs could not be recorded yet')
      for (const end of ends) this.#unwritten.set(end.jobId, end)
    }
    if (bought.length > 0) events.changed('jobs')
    for (const { job, error } of ended) tell(this.#context.venue, (verbs) => verbs.failed(job.frame.jobId, error))
    // Last: what it stops must not come between the failures and their ends.
    for (const { job, error } of bought)
      if (OWN_FAULTS.includes(error.code))
        this.#deps.breaker?.report({ kind: 'own-fault', deploymentId: job.route.deploymentId, code: error.code })
  }

  #finish(job: ActiveJob): boolean {
    if (job.over) return false
    job.over = true
    this.#jobs.get(job.frame.jobId)?.served()
    this.#jobs.delete(job.frame.jobId)
    job.lease?.release()
    this.#deps.deployments.used(job.route.deploymentId)
    for (const listener of this.#ended) listener()
    return true
  }

  /** What its buyer got of the machine; a job that missed its deadline before any text waited at least so long. */
  #served(job: ActiveJob): void {
    if (job.frame.examId !== undefined) return
    const { outputTokens, tokPerS } = job
    this.measures
      .of(job.route.deploymentId)
      .served({ at: this.#context.clock.mono(), ttftMs: job.ttftMs ?? job.frame.deadlineMs, tokPerS, outputTokens })
  }

  #changed(): void {
    for (const topic of ['jobs', 'earnings'] as const) this.#context.events.changed(topic)
  }
}
