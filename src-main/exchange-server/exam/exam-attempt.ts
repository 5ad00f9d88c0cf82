/**
 * One attempt: keeps as many calls in flight as the exam session hands out, re-sends a call once when no text came, and
 * reports each judged call.
 */
import type { CallResult, ExamCall, ExamSession, RecordedItem } from '#exam/exam-types.ts'
import { inputTokens } from '#contract/bytes4.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'

import { after } from '../exchange-clocks.ts'
import { deadlineMsOf, type ExchangeContext } from '../exchange-context.ts'
import type { OrderSink } from '../jobs/routed-job.ts'
import type { Router } from '../jobs/router.ts'
import type { SupplierExamRow } from '../store/supplier-exams.store.ts'
import type { Peer } from '../supply/peer.ts'
import { InFlightCall } from './in-flight-call.ts'

/** A call that brought no text is sent again after this long. */
const RETRY_MS = 500
/** How a call ends that a supplier left behind with its session. */
const LEFT = 'UNAVAILABLE'
/** How a call ends whose time was over before it could be sent again. */
const LATE = 'DEADLINE'

export interface ExamAttemptDeps {
  context: ExchangeContext
  router: Router
  peer: Peer
  exam: SupplierExamRow
  spec: GradeSpec
  session: ExamSession
  /**
   * Calls that were sent before the supplier's session was lost, without any text, and how many milliseconds ago: they
   * have one sending left, and what is left of their time.
   */
  sentBefore: ReadonlyMap<string, number>
  onItem(item: RecordedItem, reply: string): void
  onEnd(): void
}

export class ExamAttempt {
  readonly exam: SupplierExamRow
  readonly session: ExamSession
  readonly #deps: ExamAttemptDeps
  readonly #inFlight = new Map<string, InFlightCall>()
  #stopped = false

  constructor(deps: ExamAttemptDeps) {
    this.#deps = deps
    this.exam = deps.exam
    this.session = deps.session
  }

  /** Sends what is to be sent now; ends when the verdict is in. */
  go(): void {
    if (this.#stopped) return
    if (this.session.state().verdict !== null) {
      // Calls still in flight cannot change it.
      this.stop()
      this.#deps.onEnd()
      return
    }
    for (const call of this.session.next()) {
      const sentAgoMs = this.#deps.sentBefore.get(call.callId)
      this.#send(call, sentAgoMs !== undefined, sentAgoMs ?? 0)
    }
  }

  stop(): void {
    this.#stopped = true
    for (const { cancel } of this.#inFlight.values()) cancel()
    this.#inFlight.clear()
  }

  /**
   * The supplier left: a call of which text had arrived, or that was sent for the second time, is judged as it stands,
   * or leaving would buy time to think about a question. The others are returned with the milliseconds since they were
   * sent; they may be sent once more, and their time runs on. Errors: those of the database; the attempt is over all the same.
   */
  abandon(): { callId: string; spentMs: number }[] {
    const spared: { callId: string; spentMs: number }[] = []
    try {
      for (const inFlight of this.#inFlight.values()) {
        if (inFlight.begun || inFlight.last) this.#judge(inFlight.result(LEFT, null))
        else spared.push({ callId: inFlight.call.callId, spentMs: inFlight.spentMs })
      }
    } finally {
      this.stop()
    }
    return spared
  }

  #send(call: ExamCall, last: boolean, spentMs: number): void {
    if (this.#stopped) return
    const { context, router, peer, exam, spec } = this.#deps
    const inFlight = new InFlightCall(call, { last, spentMs, clock: context.clock })
    this.#inFlight.set(call.callId, inFlight)
    if (spentMs >= deadlineMsOf(spec, call.request.maxTokens, context.terms.deadlineFactor)) {
      this.#record(inFlight.result(LATE, null))
      return
    }
    const order = {
      orderId: context.ids.next('call'),
      buyerId: '',
      spec,
      request: call.request,
      inputTokens: inputTokens(call.request.messages),
      maxPrice: nanoPerMtok(0),
      sink: this.#sink(inFlight),
      spentMs,
    }
    inFlight.cancel = router.submitDirect(order, {
      peer,
      deploymentId: exam.deploymentId,
      modelSha256: exam.modelSha256,
      exam: { examId: exam.examId, itemId: call.callId },
    })
  }

  #sink(inFlight: InFlightCall): OrderSink {
    return {
      onRouted: () => undefined,
      onDelta: (text) => inFlight.delta(text),
      onDone: ({ finish }) => this.#record(inFlight.result(null, finish)),
      onFailed: (error, afterText) => {
        if (this.#stopped) return
        if (inFlight.last || afterText) this.#record(inFlight.result(error.code, null))
        else {
          // The pause is not the supplier's; what it did with the question before is.
          const { spentMs } = inFlight
          inFlight.cancel = after(this.#deps.context.clock, RETRY_MS, () => this.#send(inFlight.call, true, spentMs))
        }
      },
    }
  }

  #judge(result: CallResult): void {
    this.#deps.onItem(this.session.record(result), result.reply)
  }

  #record(result: CallResult): void {
    if (this.#stopped) return
    this.#inFlight.delete(result.callId)
    this.#judge(result)
    const { phase, done, atMost, limits } = this.session.state()
    this.#deps.peer.send({
      t: 'exam.progress',
      examId: brandId<ExamId>(this.exam.examId),
      phase,
      done,
      atMost,
      limits,
    })
    this.go()
  }
}
