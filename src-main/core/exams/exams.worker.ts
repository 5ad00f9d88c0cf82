/**
 * One exam at a time, held by the exchange (witnessed): it sends the calls as ordinary jobs, we serve them, keep the replies, and take its
 * verdicts. A lost session interrupts the exam; the next one resumes it, and the exchange repeats only what it has not judged.
 */
import { StokerError, fromErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import { brandId, type DeploymentId, type ExamId, type Instrument } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext, DeploymentsFace } from '#core/context.ts'
import type { ExamSink, JobFrame } from '#core/jobs/index.ts'
import { examResultText } from '#exam/evidence.ts'
import { placeOf } from '#exam/calls.ts'
import { verifySignature } from '#lib/ed25519.ts'

import { deleteUnjudged, findExam, insertExam, interruptRunning, listExams, saveReply, saveVerdict, updateExam, type ExamRow, type ItemFrame } from './exams.store.ts'
import { transcriptFor } from './transcript.store.ts'

type Started = Extract<ExchangeFrame, { t: 'exam.started' }>
type Result = Extract<ExchangeFrame, { t: 'exam.result' }>

const ANSWER_MS = 15 * SECOND_MS
const SHOWN_MAX = 200

export interface ExamRunner {
  sink: ExamSink
  start(instrument: string, deploymentId: string): Promise<ExamRow>
  cancel(examId: string): Promise<ExamRow>
  /** The exam under way with its newest counts; null when none. */
  current(): ExamRow | null
  find(examId: string): ExamRow | null
  rows(): ExamRow[]
  /** Resolves at the next change of this exam, or when the signal aborts. */
  changed(examId: string, signal: AbortSignal | undefined): Promise<void>
  attach(): () => void
}

interface Request { requestId: string; instrument: string; deploymentId: string; slots: number; identity: { sha256: ExamRow['sha256']; engine: string; device: string }; resolve(row: ExamRow): void; reject(error: Error): void }

export function createExamRunner(context: CoreContext, deployments: DeploymentsFace): ExamRunner {
  const { realmDb, exchange, clock, ids, events, log, key } = context
  let current: ExamRow | null = null
  let request: Request | null = null
  let judged: ItemFrame[] = []
  const waiters = new Set<{ examId: string; wake(): void }>()
  let resuming = false

  realmDb.tx((db) => interruptRunning(db))

  const tell = (examId: string): void => {
    for (const waiter of [...waiters]) if (waiter.examId === examId) waiter.wake()
  }
  const find = (examId: string): ExamRow | null => (current?.examId === examId ? current : findExam(realmDb.read, examId))

  /** Verdicts and counts that arrived since the last commit, in one commit. */
  const save = (exam: ExamRow): void => {
    const frames = judged
    judged = []
    const { phase, done, atMost, limits } = exam
    realmDb.tx((db) => {
      for (const frame of frames) saveVerdict(db, frame)
      updateExam(db, exam.examId, { phase, done, atMost, limits })
    })
    tell(exam.examId)
  }

  const onStarted = (frame: Started): void => {
    if (request === null || request.requestId !== frame.requestId) return
    const { instrument, deploymentId, slots, identity, resolve } = request
    request = null
    const state = exchange.state()
    const known = findExam(realmDb.read, frame.examId)
    const row: ExamRow = known === null
      ? {
          examId: frame.examId, instrument, specVersion: frame.spec.version, spec: frame.spec, deploymentId, ...identity, modelName: deployments.find(deploymentId)?.modelName ?? 'unknown model', slots,
          exchange: state.kind === 'online' ? state.terms.exchange : '', state: 'running', evidence: 'witnessed', phase: 'items', done: 0, atMost: 0, limits: [], startedAt: clock.now(), endedAt: null, validUntil: null,
          attempt: frame.attempt, seed: null, commitment: frame.commitment, resultSig: null, transcriptJson: null, transcriptSha256: null,
        }
      : { ...known, state: 'running' }
    realmDb.tx((db) => (known === null ? insertExam(db, row) : updateExam(db, row.examId, { state: 'running' })))
    current = row
    tell(row.examId)
    events.changed('exams')
    resolve(row)
  }

  const onResult = (frame: Result): void => {
    const exam = find(frame.examId)
    if (exam === null || (exam.state !== 'running' && exam.state !== 'interrupted')) return
    if (!verifySignature(exam.exchange, examResultText(frame), frame.sig)) return log.error({ examId: frame.examId }, 'the exchange’s signature of an exam’s result is not valid; the result is ignored')
    save({ ...exam, limits: frame.limits })
    const ended: ExamRow = { ...exam, state: frame.verdict, limits: frame.limits, endedAt: clock.now(), validUntil: frame.validUntil, seed: frame.seed, resultSig: frame.sig }
    let transcript: { json: string; sha256: string } | null = null
    if (frame.verdict !== 'cancelled') {
      try {
        transcript = transcriptFor(realmDb.read, ended, frame, key)
      } catch (error) {
        log.error({ err: error, examId: exam.examId }, 'no transcript could be made of a finished exam')
      }
    }
    const { state, limits, endedAt, validUntil, seed, resultSig } = ended
    realmDb.tx((db) => {
      // Calls that were in flight when the verdict came in were never judged.
      deleteUnjudged(db, exam.examId)
      updateExam(db, exam.examId, { state, limits, endedAt, validUntil, seed, resultSig, transcriptJson: transcript?.json ?? null, transcriptSha256: transcript?.sha256 ?? null })
    })
    if (current?.examId === exam.examId) current = null
    tell(exam.examId)
    for (const topic of ['exams', 'market'] as const) events.changed(topic)
  }

  const onFrame = (frame: ExchangeFrame): void => {
    if (frame.t === 'exam.started') onStarted(frame)
    else if (frame.t === 'exam.refused' && request?.requestId === frame.requestId) {
      const { reject } = request
      request = null
      reject(fromErrorValue(frame.error as ErrorValue))
    } else if (frame.t === 'exam.item' && current?.examId === frame.examId) judged.push(frame)
    else if (frame.t === 'exam.progress' && current?.examId === frame.examId) {
      const { phase, done, atMost, limits } = frame
      current = { ...current, phase, done, atMost, limits }
      save(current)
    } else if (frame.t === 'exam.result') onResult(frame)
  }

  /** Asks the exchange to begin or go on; resolves when it has. */
  const ask = async (instrument: string, deploymentId: string, examId?: string): Promise<ExamRow> => {
    const loaded = await deployments.ensureLoaded(deploymentId)
    if (exchange.state().kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable, so nobody can witness an exam now; Stoker keeps trying.')
    if (current !== null || request !== null) throw new StokerError('EXAM_RUNNING', 'An exam is running already; wait for its result or cancel it.')
    const requestId = ids.next('req')
    const identity = { sha256: loaded.sha256, engine: loaded.engine, device: loaded.device }
    const stop = new AbortController()
    const answer = new Promise<ExamRow>((resolve, reject) => {
      request = { requestId, instrument, deploymentId, slots: loaded.slots, identity, resolve, reject }
      clock.sleep(ANSWER_MS, { signal: stop.signal, unref: true }).then(() => {
        if (request?.requestId === requestId) request = null
        reject(new StokerError('TIMEOUT', 'The exchange did not answer the request for an exam; try again.'))
      }, () => undefined)
    })
    try {
      exchange.send({ t: 'exam.start', requestId, instrument: brandId<Instrument>(instrument), deploymentId: brandId<DeploymentId>(deploymentId), identity: { kind: 'gguf', ...identity }, slots: loaded.slots, ...(examId === undefined ? {} : { examId: brandId<ExamId>(examId) }) })
      return await answer
    } catch (error) {
      request = null
      throw error
    } finally {
      stop.abort()
    }
  }

  /** The session is gone: what ran is interrupted, what was asked will not be answered. */
  const interrupt = (): void => {
    request?.reject(new StokerError('EXCHANGE_OFFLINE', 'The connection to the exchange was lost; try again.'))
    request = null
    if (current === null) return
    const exam = current
    save(exam)
    current = null
    realmDb.tx((db) => updateExam(db, exam.examId, { state: 'interrupted' }))
    tell(exam.examId)
    events.changed('exams')
  }

  const resume = async (): Promise<void> => {
    const waiting = listExams(realmDb.read, SHOWN_MAX).find((exam) => exam.state === 'interrupted')
    if (waiting === undefined || resuming) return
    resuming = true
    try {
      const row = await ask(waiting.instrument, waiting.deploymentId, waiting.examId)
      // The exchange began anew (another version, too long ago): the old sitting has no end any more.
      if (row.examId !== waiting.examId) realmDb.tx((db) => updateExam(db, waiting.examId, { state: 'cancelled', endedAt: clock.now() }))
    } catch (error) {
      log.warn({ err: error, examId: waiting.examId }, 'an interrupted exam waits: it could not be resumed')
    } finally {
      resuming = false
    }
  }

  const sink: ExamSink = {
    route: (job: JobFrame) => (current === null || job.examId !== current.examId ? null : { deploymentId: current.deploymentId, sha256: current.sha256, specVersion: current.specVersion, prices: [0], bounds: null }),
    replied(job, reply) {
      const { examId, itemId, jobId } = job
      const exam = examId === undefined ? null : find(examId)
      const place = exam === null || itemId === undefined ? null : placeOf(exam.spec.level, itemId)
      if (examId === undefined || itemId === undefined || place === null || exam?.endedAt !== null) return
      realmDb.tx((db) => saveReply(db, { examId, phase: place.phase, itemId, jobId, prompt: job.request.messages.at(-1)?.content ?? '', reply }))
    },
  }

  return {
    sink,
    async start(instrument, deploymentId) {
      if (exchange.state().kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable, so nobody can witness an exam now; Stoker keeps trying.')
      if (current !== null || request !== null) throw new StokerError('EXAM_RUNNING', 'An exam is running already; wait for its result or cancel it.')
      if (deployments.find(deploymentId) === null) throw new StokerError('NOT_FOUND', 'This deployment does not exist any more; load the model again.')
      return ask(instrument, deploymentId)
    },
    async cancel(examId) {
      const exam = find(examId)
      if (exam === null) throw new StokerError('NOT_FOUND', 'There is no exam of this name here.')
      if (exam.state === 'interrupted') {
        realmDb.tx((db) => updateExam(db, examId, { state: 'cancelled', endedAt: clock.now() }))
        events.changed('exams')
      } else if (exam.state === 'running') {
        exchange.send({ t: 'exam.cancel', examId: brandId<ExamId>(examId) })
        const late = new AbortController()
        const timer = clock.sleep(ANSWER_MS, { signal: late.signal, unref: true }).catch(() => undefined)
        while (find(examId)?.state === 'running' && !late.signal.aborted) {
          const waited = await Promise.race([changed(examId, late.signal).then(() => 'changed'), timer.then(() => 'late')])
          if (waited === 'late') break
        }
        late.abort()
      }
      return find(examId)!
    },
    current: () => current,
    find,
    rows: () => listExams(realmDb.read, SHOWN_MAX).map((row) => (current?.examId === row.examId ? current : row)),
    changed,
    attach() {
      const offs = [
        exchange.onFrame(onFrame),
        exchange.onState((state) => {
          if (state.kind !== 'online' || !state.fresh) return
          interrupt()
          void resume()
        }),
      ]
      return () => {
        for (const off of offs) off()
        interrupt()
      }
    },
  }

  function changed(examId: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const waiter = {
        examId,
        wake(): void {
          waiters.delete(waiter)
          signal?.removeEventListener('abort', waiter.wake)
          resolve()
        },
      }
      waiters.add(waiter)
      signal?.addEventListener('abort', waiter.wake, { once: true })
    })
  }
}
