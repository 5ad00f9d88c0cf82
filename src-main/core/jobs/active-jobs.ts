/**
 * The jobs that run, and how each of them ends: done, with a claim that is committed before job.done is sent; failed;
 * stopped by its buyer, the exchange or the owner. Whatever happens after the commit is mended by sync
 * (sync.worker.ts).
 */
import { signClaim } from '#books/receipts.ts'
import { toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineUsage, FinishReason } from '#contract/inference.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import type { EngineEvents } from '#core/engine/engine.port.ts'
import { trySend } from '#core/exchange/index.ts'

import type { JobFrame } from './admission.ts'
import { lostWith, type Lost } from './interruption-cost.ts'
import { MeasuresOfAll } from './measures.ts'
import type { CancelReason, Run } from './active-job.ts'
import type { Settlement } from './settlement.ts'
import { told } from './public-error.ts'

export interface RunningDeps {
  deployments: Pick<DeploymentsService, 'used'>
  exams: {
    /**
     * Stores the reply (an exam's evidence; what was delivered when the call failed) before the exchange is told that
     * the item is done.
     */
    replied(job: JobFrame, reply: string): void
  }
  settlement: Settlement
}

interface Failure {
  run: Run
  error: ErrorValue
}

export class Running {
  readonly #context: CoreContext
  readonly #deps: RunningDeps
  readonly #runs = new Map<string, Run>()
  readonly #ended = new Set<() => void>()
  readonly measures = new MeasuresOfAll()

  constructor(context: CoreContext, deps: RunningDeps) {
    this.#context = context
    this.#deps = deps
  }

  runs(): readonly Run[] {
    return [...this.#runs.values()]
  }

  get size(): number {
    return this.#runs.size
  }

  has(jobId: string): boolean {
    return this.#runs.has(jobId)
  }

  /** Called after every end of a run. */
  onEnded(listener: () => void): () => void {
    this.#ended.add(listener)
    return () => this.#ended.delete(listener)
  }

  /** It runs from now on; the engine's events of it are to come here. */
  add(run: Run): EngineEvents {
    this.#runs.set(run.frame.jobId, run)
    return {
      onDelta: (text) => run.delta(text),
      onDone: ({ finish, usage }) => this.#finished(run, finish, usage),
      // The buyer left before and pays for what came: the engine's end does not undo that.
      onError: (error) =>
        run.cancelled === 'buyer'
          ? this.#finished(run, 'cancelled', null)
          : this.#failAll([{ run, error: told(error) }]),
    }
  }

  onCancel(jobId: string, reason: CancelReason): void {
    const run = this.#runs.get(jobId)
    if (run === undefined || run.cancelled !== null) return
    run.cancelled = reason
    if (reason === 'deadline') this.#served(run)
    // The verdict, and with the last call the exam's end, may come before the engine has stopped; no text is added
    // after this.
    this.#keepReply(run)
    run.engine.cancel(jobId)
  }

  /** The exchange says nothing will be paid. */
  onVoid(jobId: string, reason: string): void {
    const run = this.#runs.get(jobId)
    if (run !== undefined && this.#finish(run)) run.engine.cancel(jobId)
    // Too late is our failure and counts as one, here as at the exchange; any other void is no fault of the machine.
    if (run?.cancelled === 'deadline') this.#deps.settlement.fail([{ jobId, reason }])
    this.#deps.settlement.voidJob(jobId, reason)
    this.#changed()
  }

  /**
   * The session is gone and with it every running job: the engine stops, the rows stay open until sync says what they
   * are.
   */
  abandonAll(): void {
    for (const run of this.#runs.values()) {
      this.#keepReply(run)
      this.#finish(run)
      run.engine.cancel(run.frame.jobId)
    }
  }

  /** Bought jobs of one instrument on one deployment. */
  boughtOf(instrument: string, deploymentId: string): Run[] {
    return this.runs().filter(
      ({ frame, route }) =>
        frame.examId === undefined && frame.instrument === instrument && route.deploymentId === deploymentId,
    )
  }

  /** Ends them: their buyers get an error and pay nothing. How many there were. */
  giveUp(instrument: string, deploymentId: string, message: string): number {
    const mine = this.boughtOf(instrument, deploymentId)
    this.#failAll(mine.map((run) => ({ run, error: { code: 'UNAVAILABLE', message, data: {} } })))
    return mine.length
  }

  /**
   * Ends everything at once, for the owner who wants the machine: jobs without any text go back so that the exchange
   * gives them to another supplier, those in the middle fail and their buyers pay nothing. Exam calls just end: their
   * exam was cancelled before.
   */
  yieldAll(feeBps: number): Lost {
    const failures: Failure[] = []
    for (const run of this.runs()) {
      // The buyer left and pays for what came: that is claimed, not lost. What the engine counted is not known any
      // more.
      if (run.cancelled === 'buyer') this.#finished(run, 'cancelled', null)
      else if (run.ttftMs === null)
        failures.push({
          run,
          error: { code: 'ENGINE_NOT_LOADED', message: 'the owner took the machine back before it began', data: {} },
        })
      else failures.push({ run, error: { code: 'UNAVAILABLE', message: 'the owner took the machine back', data: {} } })
    }
    const lost = lostWith(
      failures.map(({ run }) => run),
      feeBps,
    )
    this.#failAll(failures)
    return lost
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

  #finished(run: Run, finish: FinishReason, usage: EngineUsage | null): void {
    try {
      this.#done(run, finish, usage)
    } catch (error) {
      this.#context.log.error({ err: error, jobId: run.frame.jobId }, 'a finished job could not be recorded')
      this.#failAll([{ run, error: told(toErrorValue(error)) }])
    }
  }

  #done(run: Run, finish: FinishReason, usage: EngineUsage | null): void {
    if (run.over) return
    if (run.cancelled === 'deadline')
      return this.#failAll([
        { run, error: { code: 'DEADLINE', message: 'the deadline passed before the answer was done', data: {} } },
      ])
    if (run.cancelled === 'exchange' || (run.cancelled === null && finish === 'cancelled'))
      return this.#failAll([{ run, error: { code: 'CANCELLED', message: 'the job was stopped', data: {} } }])
    if (run.cancelled === null) {
      run.flush()
      if (usage !== null) this.measures.of(run.route.deploymentId).counted(run, usage)
      this.#served(run)
    }
    const { key } = this.#context
    const signed = signClaim(key, run.claim(key, run.cancelled === null ? finish : 'cancelled'))
    const { jobId, examId } = run.frame
    if (examId === undefined) {
      this.#deps.settlement.claim(signed, {
        enginePromptTokens: usage?.promptTokens ?? null,
        engineCachedTokens: usage?.cachedTokens ?? null,
        engineGeneratedTokens: usage?.generatedTokens ?? null,
        tokPerS: run.tokPerS,
      })
    } else this.#deps.exams.replied(run.frame, run.text)
    this.#finish(run)
    trySend(this.#context.exchange, { t: 'job.done', jobId, ...signed })
    if (examId === undefined) this.#changed()
  }

  /** In one commit, so that giving the machine back does not wait for the disk once a job. */
  #failAll(failures: readonly Failure[]): void {
    const { events, log } = this.#context
    const ended = failures.filter(({ run }) => this.#finish(run))
    if (ended.length === 0) return
    for (const { run } of ended) {
      this.#keepReply(run)
      run.engine.cancel(run.frame.jobId)
    }
    const bought = ended.filter(({ run }) => run.frame.examId === undefined)
    try {
      if (bought.length > 0)
        this.#deps.settlement.fail(bought.map(({ run, error }) => ({ jobId: run.frame.jobId, reason: error.message })))
    } catch (cause) {
      log.error(
        { err: cause, jobIds: bought.map(({ run }) => run.frame.jobId) },
        'failed jobs could not be recorded; sync mends it',
      )
    }
    if (bought.length > 0) events.changed('jobs')
    for (const { run, error } of ended)
      trySend(this.#context.exchange, {
        t: 'job.error',
        jobId: run.frame.jobId,
        error: { ...error, data: { ...error.data } },
      })
  }

  #finish(run: Run): boolean {
    if (run.over) return false
    run.over = true
    this.#runs.delete(run.frame.jobId)
    this.#deps.deployments.used(run.route.deploymentId)
    for (const listener of this.#ended) listener()
    return true
  }

  /** What its buyer got of the machine; a job that missed its deadline before any text waited at least so long. */
  #served(run: Run): void {
    if (run.frame.examId !== undefined) return
    const { outputTokens, tokPerS } = run
    this.measures
      .of(run.route.deploymentId)
      .served({ at: this.#context.clock.mono(), ttftMs: run.ttftMs ?? run.frame.deadlineMs, tokPerS, outputTokens })
  }

  #changed(): void {
    for (const topic of ['jobs', 'earnings'] as const) this.#context.events.changed(topic)
  }
}
