/**
 * One exam at a time, held by the exchange (witnessed): it sends the calls as ordinary jobs, we serve them, keep the
 * replies, and take its verdicts. A lost session interrupts the exam; the next one goes on with it by name, and the
 * exchange repeats only what it has not judged.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { Reason } from '#contract/reasons.ts'
import type { EpochMs } from '#contract/time.ts'
import type { VenueContext, DeploymentsService } from '#core/core-context.ts'
import type { ExamSink } from '#core/jobs/index.ts'
import type { ExamItemJudged, ExamResult, ExamStarted, OfferedJob, VenueEvent } from '#core/venues/index.ts'
import { examResultText } from '#exam/evidence.ts'
import { placeOf } from '#exam/exam-calls.ts'
import { verifySignature } from '#lib/ed25519.ts'
import { within } from '#lib/within.ts'

import {
  deleteUnjudged,
  findExam,
  insertExam,
  interruptRunning,
  listExams,
  saveReply,
  saveVerdict,
  updateExam,
  type SellerExamRow,
} from './exams.store.ts'
import { ANSWER_MS, ExamRequest, type RequestedExam } from './exam-request.ts'
import { transcriptFor } from './transcript.store.ts'
import { Waiters } from './exam-waiters.ts'

const SHOWN_MAX = 200
/** Verdicts kept for the next commit; the exchange sends all of an attempt again when it is resumed. */
const JUDGED_MAX = 10_000

/** It ran, or had not ended, at some moment from `since` on; one that was cancelled counts for nothing anyway. */
const touches = ({ state, endedAt }: SellerExamRow, since: EpochMs): boolean =>
  state !== 'cancelled' && (endedAt === null || endedAt >= since)

export class ExamRunner {
  readonly #context: VenueContext
  readonly #deployments: DeploymentsService
  /** Why nothing may be served from a deployment now: an exam would measure that, and use up an attempt. */
  readonly #stopped: (deploymentId: string) => Reason | null
  readonly #waiters = new Waiters()
  readonly #passed = new Set<(instrument: string) => void>()
  #current: SellerExamRow | null = null
  #request: ExamRequest | null = null
  #judged: ExamItemJudged[] = []
  /** A request whose answer nobody wants any more. */
  #givenUp: string | null = null
  /** Loading the model for an exam that will be asked for; one at a time. */
  #preparing = false

  constructor(
    context: VenueContext,
    deployments: DeploymentsService,
    stopped: (deploymentId: string) => Reason | null,
  ) {
    this.#context = context
    this.#stopped = stopped
    this.#deployments = deployments
    context.realmDb.tx((db) => interruptRunning(db, context.key.publicKey))
  }

  readonly sink: ExamSink = {
    route: (job) => this.#route(job),
    replied: (job, reply) => this.#replied(job, reply),
  }

  /** The exam under way with its newest counts; null when none. */
  current(): SellerExamRow | null {
    return this.#current
  }

  find(examId: string): SellerExamRow | null {
    return this.#current?.examId === examId ? this.#current : findExam(this.#context.realmDb.read, examId)
  }

  /** Newest first. */
  rows(): SellerExamRow[] {
    return listExams(this.#context.realmDb.read, SHOWN_MAX).map((row) =>
      this.#current?.examId === row.examId ? this.#current : row,
    )
  }

  /** Those that count for the key we sell under now, newest first. */
  ownRows(): SellerExamRow[] {
    const { publicKey } = this.#context.key
    return this.rows().filter(({ supplier }) => supplier === null || supplier === publicKey)
  }

  /** Called after the commit of a pass, with its grade; the returned function ends that. */
  onPassed(listener: (instrument: string) => void): () => void {
    this.#passed.add(listener)
    return () => this.#passed.delete(listener)
  }

  /** Resolves at the next change of this exam, or when the signal aborts. */
  changed(examId: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#waiters.next(examId, signal)
  }

  /**
   * Begins, or goes on with an interrupted one of the same grade and deployment. Errors: contract/exams.ts, `start`.
   */
  async start(instrument: string, deploymentId: string): Promise<SellerExamRow> {
    if (this.#deployments.find(deploymentId) === null) throw fail('deployment.goneLoadAgain')
    const waiting = this.rows().find(
      (row) => row.state === 'interrupted' && row.instrument === instrument && row.deploymentId === deploymentId,
    )
    return this.#ask(instrument, deploymentId, waiting?.examId)
  }

  async cancel(examId: string): Promise<SellerExamRow> {
    const { realmDb, venue, clock, events } = this.#context
    const exam = this.find(examId)
    if (exam === null) throw fail('exam.unknown')
    if (exam.state === 'interrupted') {
      realmDb.tx((db) => updateExam(db, examId, { state: 'cancelled', endedAt: clock.now() }))
      events.changed('exams')
    } else if (exam.state === 'running') {
      venue.cancelExam(brandId<ExamId>(examId))
      const ended = async (deadline: AbortSignal): Promise<void> => {
        while (this.find(examId)?.state === 'running' && !deadline.aborted) await this.changed(examId, deadline)
      }
      const late = (): StokerError => fail('exam.late')
      // Not thrown: the exam's state says whether it has ended.
      await within(clock, ANSWER_MS, ended, late, { awaitWork: true })
    }
    return this.find(examId)!
  }

  /**
   * The owner wants the machine: what runs, waits or is being asked for is cancelled here at once, whatever the
   * exchange says of it later.
   */
  giveUp(): void {
    const { realmDb, venue, clock, events } = this.#context
    const open = this.rows().filter(({ state }) => state === 'running' || state === 'interrupted')
    this.#givenUp = this.#request?.requestId ?? null
    this.#request?.fail(fail('exam.handedBack'))
    this.#request = null
    if (this.#current !== null) this.#save(this.#current)
    this.#current = null
    if (open.length === 0) return
    realmDb.tx((db) => {
      for (const { examId } of open) updateExam(db, examId, { state: 'cancelled', endedAt: clock.now() })
    })
    for (const { examId, state } of open) {
      if (state === 'running' && venue.state().kind === 'online') venue.cancelExam(brandId<ExamId>(examId))
      this.#waiters.tell(examId)
    }
    events.changed('exams')
  }

  /**
   * The machine was not itself from `since` on (a model that spilled into main memory): what ran then or runs now says
   * nothing of it. It ends as cancelled, also where the exchange has called it passed meanwhile.
   */
  spoil(deploymentId: string, since: EpochMs, why: Reason): void {
    const { realmDb, venue, clock, events } = this.#context
    const mine = this.rows().filter(
      (row) => row.deploymentId === deploymentId && row.startedAt <= clock.now() && touches(row, since),
    )
    if (mine.length === 0) return
    if (this.#current !== null && mine.some(({ examId }) => examId === this.#current?.examId)) {
      this.#save(this.#current)
      this.#current = null
    }
    realmDb.tx((db) => {
      for (const { examId, endedAt } of mine)
        updateExam(db, examId, {
          state: 'cancelled',
          endedAt: endedAt ?? clock.now(),
          validUntil: null,
          voidReason: why,
        })
    })
    for (const { examId, state } of mine) {
      if (state === 'running' && venue.state().kind === 'online') venue.cancelExam(brandId<ExamId>(examId))
      this.#waiters.tell(examId)
    }
    for (const topic of ['exams', 'market'] as const) events.changed(topic)
  }

  attach(): () => void {
    const { venue } = this.#context
    const offs = [
      venue.onEvent((event) => this.#onEvent(event)),
      venue.onState((state) => {
        if (state.kind !== 'online' || !state.fresh) return
        this.#interrupt()
        void this.#resume()
      }),
    ]
    return () => {
      for (const off of offs) off()
      this.#interrupt()
    }
  }

  #onEvent(event: VenueEvent): void {
    if (event.kind === 'exam-started') {
      // Its calls follow at once, so the exam must stand before the promise's turn.
      if (this.#request?.take(event) === true) this.#begin(event, this.#request.requested)
      else if (event.requestId === this.#givenUp) this.#context.venue.cancelExam(event.examId)
    } else if (event.kind === 'exam-refused') this.#request?.take(event)
    else if (event.kind === 'exam-item' && this.#current?.examId === event.examId && this.#judged.length < JUDGED_MAX)
      this.#judged.push(event)
    else if (event.kind === 'exam-progress' && this.#current?.examId === event.examId) {
      const { phase, done, atMost, limits } = event
      this.#current = { ...this.#current, phase, done, atMost, limits }
      this.#save(this.#current)
    } else if (event.kind === 'exam-result') this.#end(event)
  }

  /** Asks the exchange to begin or go on; resolves when it has. */
  async #ask(instrument: string, deploymentId: string, examId?: string): Promise<SellerExamRow> {
    this.#mayAsk()
    const reason = this.#stopped(deploymentId)
    if (reason !== null) throw fail('exam.stopped', { reason })
    this.#preparing = true
    const { sha256, engine, device, slots } = await this.#deployments.ensureLoaded(deploymentId).finally(() => {
      this.#preparing = false
    })
    this.#mayAsk()
    const remote = this.#deployments.find(deploymentId)?.remote ?? null
    const request = new ExamRequest(this.#context, {
      instrument,
      deploymentId,
      sha256,
      remote,
      engine,
      device,
      slots,
      ...(examId === undefined ? {} : { examId }),
    })
    this.#request = request
    const started = await request.send().finally(() => {
      if (this.#request === request) this.#request = null
    })
    // The exchange began anew (another version, too long ago): the old attempt will never end.
    if (examId !== undefined && started.examId !== examId)
      this.#context.realmDb.tx((db) =>
        updateExam(db, examId, { state: 'cancelled', endedAt: this.#context.clock.now() }),
      )
    return this.find(started.examId)!
  }

  #mayAsk(): void {
    if (this.#context.venue.state().kind !== 'online') throw fail('exam.noWitness')
    if (this.#current !== null || this.#request !== null || this.#preparing) throw fail('exam.running')
  }

  #begin(event: ExamStarted, requested: RequestedExam): void {
    const { realmDb, venue, clock, events } = this.#context
    const state = venue.state()
    const { instrument, deploymentId, sha256, engine, device, slots } = requested
    const known = findExam(realmDb.read, event.examId)
    // What it has judged so far was measured while the machine was not itself: the next one begins anew.
    if (known !== null && known.voidReason !== null) return venue.cancelExam(event.examId)
    const row: SellerExamRow =
      known === null
        ? {
            examId: event.examId,
            instrument,
            specVersion: event.spec.version,
            spec: event.spec,
            deploymentId,
            sha256,
            engine,
            device,
            slots,
            modelName: this.#deployments.find(deploymentId)?.modelName ?? 'unknown model',
            exchange: state.kind === 'online' ? state.terms.exchange : '',
            state: 'running',
            evidence: 'witnessed',
            phase: 'items',
            done: 0,
            atMost: 0,
            limits: [],
            startedAt: clock.now(),
            endedAt: null,
            validUntil: null,
            attempt: event.attempt,
            carried: event.carried,
            seed: null,
            commitment: event.commitment,
            resultSig: null,
            transcriptJson: null,
            transcriptSha256: null,
            supplier: this.#context.key.publicKey,
            voidReason: null,
          }
        : { ...known, state: 'running', endedAt: null }
    realmDb.tx((db) =>
      known === null ? insertExam(db, row) : updateExam(db, row.examId, { state: 'running', endedAt: null }),
    )
    this.#current = row
    this.#judged = []
    this.#waiters.tell(row.examId)
    events.changed('exams')
  }

  /** Verdicts and counts that arrived since the last commit, in one commit. */
  #save(exam: SellerExamRow): void {
    const judged = this.#judged
    this.#judged = []
    const { phase, done, atMost, limits } = exam
    this.#context.realmDb.tx((db) => {
      for (const event of judged) saveVerdict(db, event)
      updateExam(db, exam.examId, { phase, done, atMost, limits })
    })
    this.#waiters.tell(exam.examId)
  }

  #end(event: ExamResult): void {
    const { realmDb, clock, events, log } = this.#context
    const exam = this.find(event.examId)
    if (exam === null || (exam.state !== 'running' && exam.state !== 'interrupted')) return
    if (!verifySignature(exam.exchange, examResultText(event), event.sig))
      return log.error(
        { examId: event.examId },
        'the exchange’s signature of an exam’s result is not valid; the result is ignored',
      )
    this.#save({ ...exam, limits: event.limits })
    const ended = {
      state: event.verdict,
      limits: event.limits,
      endedAt: clock.now(),
      validUntil: event.validUntil,
      seed: event.seed,
      resultSig: event.sig,
    }
    const transcript = event.verdict === 'cancelled' ? null : this.#transcript({ ...exam, ...ended }, event)
    realmDb.tx((db) => {
      // Calls that were in flight when the verdict came in were never judged.
      deleteUnjudged(db, exam.examId)
      updateExam(db, exam.examId, {
        ...ended,
        transcriptJson: transcript?.json ?? null,
        transcriptSha256: transcript?.sha256 ?? null,
      })
    })
    if (this.#current?.examId === exam.examId) this.#current = null
    this.#waiters.tell(exam.examId)
    for (const topic of ['exams', 'market'] as const) events.changed(topic)
    if (event.verdict === 'passed') for (const listener of this.#passed) listener(exam.instrument)
  }

  #transcript(exam: SellerExamRow, event: ExamResult): { json: string; sha256: string } | null {
    try {
      const remote = this.#deployments.find(exam.deploymentId)?.remote ?? null
      return transcriptFor(this.#context.realmDb.read, exam, { result: event, remote }, this.#context.key)
    } catch (error) {
      this.#context.log.error({ err: error, examId: exam.examId }, 'no transcript could be made of a finished exam')
      return null
    }
  }

  /** The session is gone: what ran is interrupted, what was asked will not be answered. */
  #interrupt(): void {
    this.#request?.fail(fail('exam.connectionLost'))
    this.#request = null
    const exam = this.#current
    if (exam === null) return
    this.#save(exam)
    this.#current = null
    this.#context.realmDb.tx((db) => updateExam(db, exam.examId, { state: 'interrupted' }))
    this.#waiters.tell(exam.examId)
    this.#context.events.changed('exams')
  }

  async #resume(): Promise<void> {
    const waiting = this.rows().find((exam) => exam.state === 'interrupted')
    if (waiting === undefined || this.#preparing) return
    try {
      await this.#ask(waiting.instrument, waiting.deploymentId, waiting.examId)
    } catch (error) {
      this.#context.log.warn(
        { err: error, examId: waiting.examId },
        'an interrupted exam waits: it could not be resumed',
      )
    }
  }

  #route(job: OfferedJob): ReturnType<ExamSink['route']> {
    const exam = this.#current
    return exam === null || job.examId !== exam.examId
      ? null
      : {
          deploymentId: exam.deploymentId,
          sha256: exam.sha256,
          specVersion: exam.specVersion,
          prices: [onePrice(nanoPerMtok(0))],
          bounds: null,
          closed: null,
        }
  }

  #replied({ examId, itemId, jobId, request }: OfferedJob, reply: string): void {
    const exam = examId === undefined ? null : this.find(examId)
    const place = exam === null || itemId === undefined ? null : placeOf(exam.spec.level, itemId)
    if (examId === undefined || itemId === undefined || place === null || exam?.endedAt !== null) return
    this.#context.realmDb.tx((db) =>
      saveReply(db, {
        examId,
        phase: place.phase,
        itemId,
        jobId,
        prompt: request.messages.at(-1)?.content ?? '',
        reply,
      }),
    )
  }
}
