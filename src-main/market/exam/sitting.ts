/** One sitting: keeps as many calls in flight as the exam session hands out, re-sends a call once when no text came, and reports each judged call. */
import type { ExamCall, ExamSession, RecordedItem } from '#exam/session.ts'
import { inputTokens, utf8Length } from '#contract/bytes4.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'

import { after } from '../clocks.ts'
import type { MarketContext } from '../context.ts'
import type { Order } from '../jobs/live-job.ts'
import type { Router } from '../jobs/router.ts'
import type { ExamRow } from '../store/exams.store.ts'
import type { Peer } from '../supply/peer.ts'

/** A call that was refused (all slots busy) is sent again after this long. */
const RETRY_MS = 500

export interface SittingOptions {
  context: MarketContext
  router: Router
  peer: Peer
  exam: ExamRow
  spec: GradeSpec
  session: ExamSession
  onItem(item: RecordedItem, reply: string): void
  onEnd(): void
}

export class Sitting {
  readonly exam: ExamRow
  readonly session: ExamSession
  readonly #options: SittingOptions
  readonly #inFlight = new Map<string, () => void>()
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
    for (const call of this.session.next()) this.#send(call, true)
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#inFlight.values()) cancel()
    this.#inFlight.clear()
  }

  #send(call: ExamCall, mayRetry: boolean): void {
    const { context, router, peer, exam, spec } = this.#options
    const sentAt = context.clock.mono()
    let [first, last, reply, firstDeltaBytes] = [null as number | null, null as number | null, '', 0]
    const record = (error: string | null, finish: 'stop' | 'length' | 'cancelled' | null): void => {
      const end = last ?? context.clock.mono()
      this.#record({
        callId: call.callId,
        reply,
        error,
        finish,
        ttftMs: first === null ? null : first - sentAt,
        durationMs: end - sentAt,
        streamMs: first === null ? 0 : end - first,
        firstDeltaBytes,
      })
    }
    const order: Order = {
      orderId: context.ids.next('call'),
      buyerId: '',
      spec,
      request: call.request,
      inputTokens: inputTokens(call.request.messages),
      maxPrice: nanoPerMtok(0),
      sink: {
        onRouted: () => undefined,
        onDelta: (text) => {
          last = context.clock.mono()
          if (first === null) {
            first = last
            firstDeltaBytes = utf8Length(text)
          }
          reply += text
        },
        onDone: ({ finish }) => record(null, finish),
        onFailed: (error, afterText) => {
          if (this.#stopped) return
          if (mayRetry && !afterText)
            this.#inFlight.set(
              call.callId,
              after(context.clock, RETRY_MS, () => this.#send(call, false)),
            )
          else record(error.code, null)
        },
      },
    }
    this.#inFlight.set(
      call.callId,
      router.submitDirect(order, { peer, deploymentId: exam.deploymentId, modelSha256: exam.modelSha256, exam: { examId: exam.examId, itemId: call.callId } }),
    )
  }

  #record(result: Parameters<ExamSession['record']>[0]): void {
    if (this.#stopped) return
    this.#inFlight.delete(result.callId)
    this.#options.onItem(this.session.record(result), result.reply)
    const { phase, done, atMost, limits } = this.session.state()
    this.#options.peer.send({ t: 'exam.progress', examId: brandId<ExamId>(this.exam.examId), phase, done, atMost, limits })
    this.go()
  }
}
