/**
 * Serves won jobs: admission, the engine, deltas out, then the claim. On done the claim is committed before job.done is sent; whatever
 * happens after the commit is mended by sync (sync.worker.ts). Prompts and answers live in memory only, and only while the job runs.
 */
import { signClaim } from '#books/receipts.ts'
import { toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineUsage, FinishReason } from '#contract/inference.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import type { CoreContext, DeploymentsFace } from '#core/context.ts'
import type { EngineEvents, EnginePort } from '#core/engine/engine.port.ts'

import { refusal, waitTokens, type Call, type JobFrame, type Load, type Route } from './admission.ts'
import { findJob, insertJob, type NewJob } from './jobs.store.ts'
import { MeasuresOfAll } from './measures.ts'
import { Run, type CancelReason } from './run.ts'
import type { Settlement } from './settlement.store.ts'
import { told } from './told.ts'

/** What exams tell the runner, and are told. */
export interface ExamSink {
  route(job: JobFrame): Route | null
  /** Stores the reply (an exam's evidence; what was delivered when the call failed) before the exchange is told that the item is done. */
  replied(job: JobFrame, reply: string): void
}

export interface RunnerDeps {
  deployments: Pick<DeploymentsFace, 'loaded' | 'engine' | 'used'>
  /** What is listed under an instrument now, with the prices that still hold; null when nothing is. */
  routeOf(instrument: string): Route | null
  exams: ExamSink
  settlement: Settlement
}

/** What ending jobs at once cost; amounts after the fee, tokens as billed. */
export interface Lost {
  /** Ended before any text: the exchange gives them to another supplier. */
  handedOff: number
  /** Ended in the middle: their buyers pay nothing. */
  failed: number
  lostNano: number
  lostTokens: number
}

interface Failure {
  run: Run
  error: ErrorValue
}

/** A measured rate that has not moved for so long refuses nobody: the next job measures it again. */
const SPEED_AGE_MS = 60_000
/** How long past its deadline a job without a claim may stay open. */
const OPEN_GRACE_MS = 60_000

export class Runner {
  readonly #context: CoreContext
  readonly #deps: RunnerDeps
  readonly #runs = new Map<string, Run>()
  readonly #ended = new Set<() => void>()
  readonly measures = new MeasuresOfAll()

  constructor(context: CoreContext, deps: RunnerDeps) {
    this.#context = context
    this.#deps = deps
  }

  runs(): readonly Run[] {
    return [...this.#runs.values()]
  }

  /** Called after every end of a run. */
  onEnded(listener: () => void): () => void {
    this.#ended.add(listener)
    return () => this.#ended.delete(listener)
  }

  onJob(frame: JobFrame): void {
    const { realmDb } = this.#context
    // A repetition: running already, or known from before. Nothing is started twice.
    if (this.#runs.has(frame.jobId)) return
    if (findJob(realmDb.read, frame.jobId) !== null)
      return this.#trySend({ t: 'job.reject', jobId: frame.jobId, error: { code: 'CONFLICT', message: 'this job was seen before', data: {} } })
    const route = frame.examId === undefined ? this.#deps.routeOf(frame.instrument) : this.#deps.exams.route(frame)
    const { exchange, realm } = this.#context
    const engine = route === null ? null : this.#deps.deployments.engine(route.deploymentId)
    const kind = engine?.state().kind
    const recovering = kind === 'starting' || kind === 'backoff'
    const session = exchange.state()
    const realmFits = session.kind !== 'online' || session.terms.realm === realm
    const error = refusal(frame, { realmFits, route, recovering, loaded: route === null || engine === null ? null : this.#load(route.deploymentId, engine) })
    if (error === null) this.#start(frame, route!, engine!)
    else this.#reject(frame, route, error)
  }

  #load(deploymentId: string, engine: EnginePort): Load | null {
    const loaded = this.#deps.deployments.loaded(deploymentId)
    if (loaded === null) return null
    const { speed, running, queued, waitingPromptTokens } = engine.stats()
    const measures = this.measures.of(deploymentId)
    const { promptRatio } = measures
    const mono = this.#context.clock.mono()
    measures.speed.see(speed, mono)
    const { slots, contextTokens } = loaded.model
    const calls: Call[] = []
    const count = { job: 0, exam: 0 }
    /** Prompts without text yet, in the engine's tokens. */
    const prompts = { job: 0, exam: 0 }
    for (const run of this.#runs.values()) {
      if (run.route.deploymentId !== deploymentId) continue
      const kind = run.frame.examId === undefined ? 'job' : 'exam'
      const begun = run.ttftMs !== null
      count[kind] += 1
      if (!begun) prompts[kind] += run.inputTokens * (promptRatio ?? 1)
      calls.push({ left: run.frame.request.maxTokens - run.outputTokens, waits: !begun && kind === 'job' })
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

  onCancel(jobId: string, reason: CancelReason): void {
    const run = this.#runs.get(jobId)
    if (run === undefined || run.cancelled !== null) return
    run.cancelled = reason
    if (reason === 'deadline') this.#served(run)
    // The verdict, and with the last call the exam's end, may come before the engine has stopped; no text is added after this.
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

  /** The session is gone and with it every running job: the engine stops, the rows stay open until sync says what they are. */
  abandonAll(): void {
    for (const run of this.#runs.values()) {
      this.#keepReply(run)
      this.#finish(run)
      run.engine.cancel(run.frame.jobId)
    }
  }

  /** Bought jobs of one instrument on one deployment. */
  boughtOf(instrument: string, deploymentId: string): Run[] {
    return this.runs().filter(({ frame, route }) => frame.examId === undefined && frame.instrument === instrument && route.deploymentId === deploymentId)
  }

  /** Ends them: their buyers get an error and pay nothing. How many there were. */
  giveUp(instrument: string, deploymentId: string, message: string): number {
    const mine = this.boughtOf(instrument, deploymentId)
    this.#failAll(mine.map((run) => ({ run, error: { code: 'UNAVAILABLE', message, data: {} } })))
    return mine.length
  }

  /**
   * Ends everything at once, for the owner who wants the machine: jobs without any text go back so that the exchange gives them to another
   * supplier, those in the middle fail and their buyers pay nothing. Exam calls just end: their exam was cancelled before.
   */
  yieldAll(feeBps: number): Lost {
    const lost: Lost = { handedOff: 0, failed: 0, lostNano: 0, lostTokens: 0 }
    const failures: Failure[] = []
    for (const run of this.runs()) {
      // The buyer left and pays for what came: that is claimed, not lost. What the engine counted is not known any more.
      if (run.cancelled === 'buyer') this.#finished(run, 'cancelled', null)
      else if (run.ttftMs === null) failures.push({ run, error: { code: 'ENGINE_NOT_LOADED', message: 'the owner took the machine back before it began', data: {} } })
      else failures.push({ run, error: { code: 'UNAVAILABLE', message: 'the owner took the machine back', data: {} } })
    }
    for (const { run } of failures) {
      // Late or stopped already: taking the machine back cost nothing there.
      if (run.frame.examId !== undefined || run.cancelled !== null) continue
      lost.handedOff += run.ttftMs === null ? 1 : 0
      if (run.ttftMs === null) continue
      lost.failed += 1
      lost.lostNano += run.live(feeBps).earnsNano
      lost.lostTokens += run.inputTokens + run.outputTokens
    }
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

  #start(frame: JobFrame, route: Route, engine: EnginePort): void {
    const { clock, events, log, realmDb } = this.#context
    const { jobId, deadlineMs } = frame
    const run = new Run(frame, route, { clock, engine, send: (text) => this.#trySend({ t: 'job.delta', jobId, text }), running: () => this.#runs.size })
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
    this.#deps.deployments.used(route.deploymentId)
    const outcome: EngineEvents = {
      onDelta: (text) => run.delta(text),
      onDone: ({ finish, usage }) => this.#finished(run, finish, usage),
      // The buyer left before and pays for what came: the engine's end does not undo that.
      onError: (error) => (run.cancelled === 'buyer' ? this.#finished(run, 'cancelled', null) : this.#fail(run, told(error))),
    }
    engine.submit(jobId, frame.request, outcome, { priority: frame.examId === undefined ? 'job' : 'exam', deadlineMs })
  }

  #finished(run: Run, finish: FinishReason, usage: EngineUsage | null): void {
    try {
      this.#done(run, finish, usage)
    } catch (error) {
      this.#context.log.error({ err: error, jobId: run.frame.jobId }, 'a finished job could not be recorded')
      this.#fail(run, told(toErrorValue(error)))
    }
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

  #done(run: Run, finish: FinishReason, usage: EngineUsage | null): void {
    if (run.over) return
    if (run.cancelled === 'deadline') return this.#fail(run, { code: 'DEADLINE', message: 'the deadline passed before the answer was done', data: {} })
    if (run.cancelled === 'exchange' || (run.cancelled === null && finish === 'cancelled')) return this.#fail(run, { code: 'CANCELLED', message: 'the job was stopped', data: {} })
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
    this.#trySend({ t: 'job.done', jobId, ...signed })
    if (examId === undefined) this.#changed()
  }

  #fail(run: Run, error: ErrorValue): void {
    this.#failAll([{ run, error }])
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
      if (bought.length > 0) this.#deps.settlement.fail(bought.map(({ run, error }) => ({ jobId: run.frame.jobId, reason: error.message })))
    } catch (cause) {
      log.error({ err: cause, jobIds: bought.map(({ run }) => run.frame.jobId) }, 'failed jobs could not be recorded; sync mends it')
    }
    if (bought.length > 0) events.changed('jobs')
    for (const { run, error } of ended) this.#trySend({ t: 'job.error', jobId: run.frame.jobId, error: { ...error, data: { ...error.data } } })
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
    this.measures.of(run.route.deploymentId).served({ at: this.#context.clock.mono(), ttftMs: run.ttftMs ?? run.frame.deadlineMs, tokPerS, outputTokens })
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
