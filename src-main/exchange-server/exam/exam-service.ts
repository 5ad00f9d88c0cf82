/**
 * Runs exams: commits to a seed, sends the calls as ordinary jobs, has them judged, countersigns each judgement and
 * stores it before it is sent.
 */
import { createExamSession } from '#exam/exam-session.ts'
import type { Carried } from '#exam/exam-types.ts'
import { seedCommitment } from '#exam/evidence.ts'
import { fail, StokerError, toErrorValue } from '#contract/errors.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import { isSignedTime } from '#contract/time.ts'
import { sha256Hex } from '#lib/canonical.ts'

import { QUALIFICATION_MS, ATTEMPTS_MAX, ATTEMPTS_OF_KEY_MAX, ATTEMPT_WINDOW_MS } from '../exchange-limits.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import type { Router } from '../jobs/router.ts'
import {
  attemptBefore,
  countAttempts,
  countAttemptsOfKey,
  endExam,
  examItems,
  examSendings,
  findExam,
  insertExam,
  insertExamItem,
  insertExamSending,
  resumableExam,
  setExamState,
  type SupplierExamRow,
} from '../store/supplier-exams.store.ts'
import type { Peer } from '../supply/peer.ts'
import { itemFrame, resultFrame, type ResultFrame } from './exam-frames.ts'
import { ExamAttempt } from './exam-attempt.ts'

type Start = Extract<SupplierFrame, { t: 'exam.start' }>

export class ExamService {
  readonly #context: ExchangeContext
  readonly #router: Router
  readonly #fixedSeed: string | null
  readonly #onPassed: (peer: Peer, instrument: string) => void
  /** The running attempt of each supplier. */
  readonly #attempts = new Map<string, ExamAttempt>()

  /**
   * `fixedSeed` replaces the random seed: reproducible runs only. `onPassed` is called after the commit of a pass, before
   * the supplier hears of it.
   */
  constructor(
    context: ExchangeContext,
    router: Router,
    fixedSeed: string | null,
    onPassed: (peer: Peer, instrument: string) => void,
  ) {
    this.#onPassed = onPassed
    this.#context = context
    this.#router = router
    this.#fixedSeed = fixedSeed
  }

  start(peer: Peer, frame: Start): void {
    try {
      this.#begin(peer, frame)
    } catch (error) {
      peer.send({ t: 'exam.refused', requestId: frame.requestId, error: toErrorValue(error) })
      if (!(error instanceof StokerError)) throw error
    }
  }

  cancel(peer: Peer, examId: string): void {
    const attempt = this.#attempts.get(peer.supplier)
    if (attempt === undefined || attempt.exam.examId !== examId) return
    attempt.stop()
    this.#end(peer, attempt, 'cancelled')
  }

  /** The supplier's session is over: the attempt waits for its next exam.start. */
  drop(peer: Peer): void {
    const attempt = this.#attempts.get(peer.supplier)
    if (attempt === undefined) return
    this.#attempts.delete(peer.supplier)
    const { examId } = attempt.exam
    const spared = attempt.abandon()
    const { clock, db } = this.#context
    const now = clock.now()
    db.tx((write) => {
      setExamState(write, examId, 'interrupted')
      for (const { callId, spentMs } of spared) insertExamSending(write, examId, callId, Math.round(now - spentMs))
    })
  }

  /** The exchange itself stops: no supplier's fault, so no call counts as sent. */
  stop(): void {
    for (const attempt of this.#attempts.values()) {
      attempt.stop()
      this.#context.db.tx((db) => setExamState(db, attempt.exam.examId, 'interrupted'))
    }
    this.#attempts.clear()
  }

  #begin(peer: Peer, frame: Start): void {
    const { specs, db, clock } = this.#context
    const spec = specs.get(frame.instrument)
    if (spec === undefined) throw fail('exchange.gradeUnknown', { instrument: frame.instrument })
    if (!isSignedTime(clock.now())) throw fail('clock.outOfRange', { at: clock.now() })
    if (this.#attempts.has(peer.supplier)) throw fail('exchange.examRunning')
    const { exam, resumed } = this.#examFor(peer, frame, spec.version)
    const judged = examItems(db.read, exam.examId)
    const carried = this.#carriedTo(exam)
    peer.send({
      t: 'exam.started',
      requestId: frame.requestId,
      examId: brandId<ExamId>(exam.examId),
      spec,
      commitment: exam.commitment,
      attempt: exam.attempt,
      resumed,
      carried,
    })
    // What was judged before may never have arrived: sent again, it is the same to the byte.
    for (const stored of judged) peer.send(itemFrame(this.#context.key, exam.examId, stored))
    if (exam.result !== null) {
      peer.send(JSON.parse(exam.result) as ResultFrame)
      return
    }
    const session = createExamSession({
      spec,
      seed: exam.seed,
      slots: exam.slots,
      resumeFrom: judged.map((stored) => stored.item),
      carried,
    })
    const attempt = new ExamAttempt({
      context: this.#context,
      router: this.#router,
      peer,
      exam,
      spec,
      session,
      sentBefore: this.#sentBefore(exam.examId),
      onItem: (item, reply) => {
        const stored = { item, replySha256: sha256Hex(reply), arrivedAt: clock.now() }
        if (!isSignedTime(stored.arrivedAt)) return this.#breakOff(peer, attempt)
        db.tx((write) => insertExamItem(write, exam.examId, stored))
        peer.send(itemFrame(this.#context.key, exam.examId, stored))
      },
      onEnd: () => this.#end(peer, attempt, session.state().verdict ?? 'undecided'),
    })
    this.#attempts.set(peer.supplier, attempt)
    attempt.go()
  }

  /**
   * What failed attempts counted goes on counting (docs/exam.md, Verdict): trying again must not raise the chance to
   * pass by luck. A pass ends it.
   */
  #carriedTo(exam: SupplierExamRow): Carried {
    const before = attemptBefore(this.#context.db.read, exam, exam.startedAt - QUALIFICATION_MS)
    if (before === null || before.state === 'passed' || before.result === null) return {}
    const { limits } = JSON.parse(before.result) as ResultFrame
    return Object.fromEntries(limits.map(({ name, n, k }) => [name, { n, k }]))
  }

  /** Milliseconds since each call was sent that the supplier left behind. */
  #sentBefore(examId: string): ReadonlyMap<string, number> {
    const now = this.#context.clock.now()
    const sendings = [...examSendings(this.#context.db.read, examId)]
    return new Map(sendings.map(([callId, sentAt]) => [callId, sentAt === null ? 0 : Math.max(0, now - sentAt)]))
  }

  #examFor(peer: Peer, frame: Start, specVersion: number): { exam: SupplierExamRow; resumed: boolean } {
    const { db, clock, ids } = this.#context
    const since = clock.now() - ATTEMPT_WINDOW_MS
    const wanted = {
      supplier: peer.supplier,
      deploymentId: frame.deploymentId,
      instrument: frame.instrument,
      specVersion,
      modelSha256: frame.identity.sha256,
      slots: frame.slots,
    }
    const named = frame.examId === undefined ? null : findExam(db.read, frame.examId, peer.supplier)
    if (named !== null && named.result !== null) return { exam: named, resumed: true }
    const interrupted = resumableExam(db.read, wanted, since)
    if (interrupted !== null) {
      db.tx((write) => setExamState(write, interrupted.examId, 'running'))
      return { exam: { ...interrupted, state: 'running' }, resumed: true }
    }
    const attempts = countAttempts(db.read, peer.supplier, frame.instrument, frame.identity.sha256, since)
    if (attempts.recent >= ATTEMPTS_MAX) throw fail('exchange.examAttempts', { max: ATTEMPTS_MAX })
    if (countAttemptsOfKey(db.read, peer.supplier, frame.instrument, since) >= ATTEMPTS_OF_KEY_MAX)
      throw fail('exchange.examAttemptsOfKey', { max: ATTEMPTS_OF_KEY_MAX })
    // 256 bits, in the characters a seed may have.
    const seed = this.#fixedSeed ?? ids.secret(32)
    const exam: SupplierExamRow = {
      ...wanted,
      examId: ids.next('exam'),
      identity: JSON.stringify(frame.identity),
      seed,
      commitment: seedCommitment(seed),
      attempt: attempts.ever + 1,
      state: 'running',
      startedAt: clock.now(),
      endedAt: null,
      validUntil: null,
      result: null,
    }
    db.tx((write) => insertExam(write, exam))
    return { exam, resumed: false }
  }

  /**
   * Nothing is signed at a time that no schema takes. The session ends with the attempt: the supplier reads why when it
   * comes again, and the attempt goes on when the clock is right.
   */
  #breakOff(peer: Peer, attempt: ExamAttempt): void {
    this.#attempts.delete(peer.supplier)
    attempt.stop()
    this.#context.db.tx((db) => setExamState(db, attempt.exam.examId, 'interrupted'))
    peer.giveUp('an exam waits: the clock says a time at which nothing can be signed')
  }

  #end(peer: Peer, attempt: ExamAttempt, verdict: 'passed' | 'not-reached' | 'undecided' | 'cancelled'): void {
    const { db, clock, key } = this.#context
    const at = clock.now()
    const validUntil = verdict === 'passed' ? at + QUALIFICATION_MS : null
    if (!isSignedTime(at) || !isSignedTime(validUntil ?? at)) return this.#breakOff(peer, attempt)
    this.#attempts.delete(peer.supplier)
    const frame = resultFrame(key, {
      examId: attempt.exam.examId,
      verdict,
      limits: attempt.session.state().limits,
      seed: attempt.exam.seed,
      at,
      validUntil,
    })
    db.tx((write) =>
      endExam(write, attempt.exam.examId, { state: verdict, at, validUntil, result: JSON.stringify(frame) }),
    )
    if (verdict === 'passed') this.#onPassed(peer, attempt.exam.instrument)
    peer.send(frame)
  }
}
