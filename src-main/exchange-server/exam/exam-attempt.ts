/**
 * One sitting: keeps as many calls in flight as the exam session hands out, re-sends a call once when no text came, and
 * reports each judged call.
 */
import type { CallResult, RecordedItem } from '#exam/exam-types.ts'
import type { ExamCall, ExamSession } from '#exam/exam-session.ts'
import { inputTokens } from '#contract/bytes4.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'

import { after } from '../exchange-clocks.ts'
import type { MarketContext } from '../exchange-context.ts'
import type { OrderSink } from '../jobs/routed-job.ts'
import type { Router } from '../jobs/router.ts'
import type { ExamRow } from '../store/supplier-exams.store.ts'
import type { Peer } from '../supply/peer.ts'
import { Flight } from './in-flight-call.ts'

/** A call that brought no text is sent again after this long. */
const RETRY_MS = 500
/** How a call ends that a supplier left behind with its session. */
const LEFT = 'UNAVAILABLE'

export interface SittingOptions {
  context: MarketContext
  router: Router
  peer: Peer
  exam: ExamRow
  spec: GradeSpec
  session: ExamSession
  /** Calls that were sent before the supplier's session was lost, without any text: they have one sending left. */
  sentBefore: ReadonlySet<string>
  onItem(item: RecordedItem, reply: string): void
  onEnd(): void
}

export class Sitting {
  readonly exam: ExamRow
  readonly session: ExamSession
  readonly #options: SittingOptions
  readonly #flights = new Map<string, Flight>()
  #stopped = false

  constructor(options: SittingOptions) {
    this.#options = options
    this.exam = options.exam
    this.session = options.session
  }

  /** Sends what is to be sent now; ends when the verdict is in. */
  go(): void {
    if (this.#stopped) return
    if (this.session.state().verdict !== null) {
      // Calls still in flight cannot change it.
      this.stop()
      this.#options.onEnd()
      return
    }
    for (const call of this.session.next()) this.#send(call, this.#options.sentBefore.has(call.callId))
  }

  stop(): void {
    this.#stopped = true
    for (const { cancel } of this.#flights.values()) cancel()
    this.#flights.clear()
  }

  /**
   * The supplier left: a call of which text had arrived, or that was sent for the second time, is judged as it stands,
   * or leaving would buy time to think about a question. The others are returned; they may be sent once more.
   */
  abandon(): string[] {
    const spared: string[] = []
    for (const flight of this.#flights.values()) {
      if (flight.begun || flight.last) this.#judge(flight.result(LEFT, null))
      else spared.push(flight.call.callId)
    }
    this.stop()
    return spared
  }

  #send(call: ExamCall, last: boolean): void {
    if (this.#stopped) return
    const { context, router, peer, exam, spec } = this.#options
    const flight = new Flight(call, last, context.clock)
    this.#flights.set(call.callId, flight)
    const order = {
      orderId: context.ids.next('call'),
      buyerId: '',
      spec,
      request: call.request,
      inputTokens: inputTokens(call.request.messages),
      maxPrice: nanoPerMtok(0),
      sink: this.#sink(flight),
    }
    flight.cancel = router.submitDirect(order, {
      peer,
      deploymentId: exam.deploymentId,
      modelSha256: exam.modelSha256,
      exam: { examId: exam.examId, itemId: call.callId },
    })
  }

  #sink(flight: Flight): OrderSink {
    return {
      onRouted: () => undefined,
      onDelta: (text) => flight.delta(text),
      onDone: ({ finish }) => this.#record(flight.result(null, finish)),
      onFailed: (error, afterText) => {
        if (this.#stopped) return
        if (flight.last || afterText) this.#record(flight.result(error.code, null))
        else flight.cancel = after(this.#options.context.clock, RETRY_MS, () => this.#send(flight.call, true))
      },
    }
  }

  #judge(result: CallResult): void {
    this.#options.onItem(this.session.record(result), result.reply)
  }

  #record(result: CallResult): void {
    if (this.#stopped) return
    this.#flights.delete(result.callId)
    this.#judge(result)
    const { phase, done, atMost, limits } = this.session.state()
    this.#options.peer.send({
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
