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
import { findJob, insertJob } from './jobs.store.ts'
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

export interface Runner {
  onJob(frame: JobFrame): void
  onCancel(jobId: string, reason: CancelReason): void
  /** The exchange says nothing will be paid. */
  onVoid(jobId: string, reason: string): void
  /** The session is gone and with it every running job: the engine stops, the rows stay open until sync says what they are. */
  abandonAll(): void
  runs(): readonly Run[]
}

/** Weight of the newest job in the moving averages that admission reads. */
const PACE_WEIGHT = 0.2
/** How long past its deadline a job without a claim may stay open. */
const OPEN_GRACE_MS = 60_000

export function createRunner(context: CoreContext, deps: RunnerDeps): Runner {
  const { clock, engine, events, log, realmDb, key } = context
  const runs = new Map<string, Run>()
  let pace: { ttftMs: number; tokPerS: number } | null = null

  const trySend = (frame: SupplierFrame): boolean => {
    try {
      context.exchange.send(frame)
      return true
    } catch {
      // Offline: sync settles what this frame would have said.
      return false
    }
  }

  const finish = (run: Run): boolean => {
    if (run.over) return false
    run.over = true
    runs.delete(run.frame.jobId)
    return true
  }

  const fail = (run: Run, error: ErrorValue): void => {
    if (!finish(run)) return
    const { jobId, examId } = run.frame
    try {
      if (examId === undefined) deps.settlement.fail(jobId, error.message)
      else deps.exams.replied(run.frame, run.text)
    } catch (cause) {
      log.error({ err: cause, jobId }, 'a failed job could not be recorded; sync mends it')
    }
    if (examId === undefined) events.changed('jobs')
    trySend({ t: 'job.error', jobId, error: { ...error, data: { ...error.data } } })
  }

  const learn = (run: Run): void => {
    const { ttftMs, tokPerS } = run
    if (ttftMs === null || tokPerS === null) return
    const mix = (old: number, now: number): number => old + PACE_WEIGHT * (now - old)
    pace = pace === null ? { ttftMs, tokPerS } : { ttftMs: mix(pace.ttftMs, ttftMs), tokPerS: mix(pace.tokPerS, tokPerS) }
  }

  const done = (run: Run, finishReason: FinishReason, usage: EngineUsage): void => {
    if (run.over) return
    if (run.cancelled === 'deadline') return fail(run, { code: 'DEADLINE', message: 'the deadline passed before the answer was done', data: {} })
    if (run.cancelled === 'exchange' || (run.cancelled === null && finishReason === 'cancelled')) return fail(run, { code: 'CANCELLED', message: 'the job was stopped', data: {} })
    if (run.cancelled === null) run.flush()
    learn(run)
    const signed = signClaim(key, run.claim(key, run.cancelled === null ? finishReason : 'cancelled'))
    const { jobId, examId } = run.frame
    if (examId === undefined) {
      deps.settlement.claim(signed, { enginePromptTokens: usage.promptTokens, engineCachedTokens: usage.cachedTokens, engineGeneratedTokens: usage.generatedTokens, tokPerS: run.tokPerS })
    } else deps.exams.replied(run.frame, run.text)
    finish(run)
    trySend({ t: 'job.done', jobId, ...signed })
    if (examId === undefined) for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
  }

  const start = (frame: JobFrame, route: Route): void => {
    const { jobId } = frame
    const run = new Run(frame, route, clock, (text) => trySend({ t: 'job.delta', jobId, text }))
    if (frame.examId === undefined) {
      const { instrument, specVersion, priceNanoPerMtok, reserveNano, salt, deadlineMs } = frame
      realmDb.tx((db) => insertJob(db, { jobId, instrument, specVersion, deploymentId: route.deploymentId, sha256: route.sha256, state: 'running', reason: '', priceNano: priceNanoPerMtok, reserveNano, salt, startedAt: run.startedAt, endedAt: null, expiresAt: run.startedAt + deadlineMs + OPEN_GRACE_MS }))
      events.changed('jobs')
    }
    runs.set(jobId, run)
    trySend({ t: 'job.accept', jobId })
    engine.submit(jobId, frame.request, {
      onDelta: (text) => run.delta(text),
      onDone({ finish: reason, usage }) {
        try {
          done(run, reason, usage)
        } catch (error) {
          log.error({ err: error, jobId }, 'a finished job could not be recorded')
          fail(run, toErrorValue(error))
        }
      },
      onError: (error) => fail(run, error),
    })
  }

  const reject = (frame: JobFrame, route: Route | null, error: ErrorValue): void => {
    if (frame.examId === undefined) {
      const now = clock.now()
      const { jobId, instrument, specVersion, priceNanoPerMtok, reserveNano, salt } = frame
      realmDb.tx((db) => insertJob(db, { jobId, instrument, specVersion, deploymentId: route?.deploymentId ?? '', sha256: route?.sha256 ?? '', state: 'rejected', reason: error.message, priceNano: priceNanoPerMtok, reserveNano, salt, startedAt: now, endedAt: now, expiresAt: now }))
      events.changed('jobs')
    }
    trySend({ t: 'job.reject', jobId: frame.jobId, error: { ...error, data: { ...error.data } } })
  }

  return {
    onJob(frame) {
      // A repetition: running already, or known from before. Nothing is started twice.
      if (runs.has(frame.jobId)) return
      if (findJob(realmDb.read, frame.jobId) !== null) return void trySend({ t: 'job.reject', jobId: frame.jobId, error: { code: 'CONFLICT', message: 'this job was seen before', data: {} } })
      const route = frame.examId === undefined ? deps.routeOf(frame.instrument) : deps.exams.route(frame)
      const loaded = deps.deployments.loaded()
      const error = refusal(frame, { route, loaded: loaded === null ? null : { deploymentId: loaded.deploymentId, slots: loaded.model.slots }, running: runs.size, pace })
      if (error === null) start(frame, route!)
      else reject(frame, route, error)
    },
    onCancel(jobId, reason) {
      const run = runs.get(jobId)
      if (run === undefined || run.cancelled !== null) return
      run.cancelled = reason
      engine.cancel(jobId)
    },
    onVoid(jobId, reason) {
      const run = runs.get(jobId)
      if (run !== undefined && finish(run)) engine.cancel(jobId)
      deps.settlement.voidJob(jobId, reason)
      for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
    },
    abandonAll() {
      for (const run of runs.values()) {
        finish(run)
        engine.cancel(run.frame.jobId)
      }
    },
    runs: () => [...runs.values()],
  }
}
