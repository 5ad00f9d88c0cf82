/** One exam call on its way: what came back of it so far, by the exchange's clock. */
import type { CallResult, ExamCall } from '#exam/exam-types.ts'
import { utf8Length } from '#contract/bytes4.ts'
import type { FinishReason } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'

export class InFlightCall {
  readonly call: ExamCall
  /** Sent for the second time: whatever comes of it counts. */
  readonly last: boolean
  /** Takes it back: the router's cancel, or that of the pause before the second sending. */
  cancel: () => void = () => undefined
  readonly #clock: Clock
  /** Monotonic milliseconds; of the first sending, where the time between the two counts. */
  readonly #sentAt: number
  #first: number | null = null
  #latest: number | null = null
  #reply = ''
  #firstDeltaBytes = 0

  /** `spentMs`: how long the supplier has had the question already. */
  constructor(call: ExamCall, options: { last: boolean; spentMs: number; clock: Clock }) {
    this.call = call
    this.last = options.last
    this.#clock = options.clock
    this.#sentAt = options.clock.mono() - options.spentMs
  }

  /** How long the supplier has had the question. */
  get spentMs(): number {
    return this.#clock.mono() - this.#sentAt
  }

  /** Some text has arrived: the call is final now, however it ends. */
  get begun(): boolean {
    return this.#first !== null
  }

  delta(text: string): void {
    this.#latest = this.#clock.mono()
    if (this.#first === null) {
      this.#first = this.#latest
      this.#firstDeltaBytes = utf8Length(text)
    }
    this.#reply += text
  }

  result(error: string | null, finish: FinishReason | null): CallResult {
    const end = this.#latest ?? this.#clock.mono()
    return {
      callId: this.call.callId,
      reply: this.#reply,
      error,
      finish,
      ttftMs: this.#first === null ? null : this.#first - this.#sentAt,
      durationMs: end - this.#sentAt,
      streamMs: this.#first === null ? 0 : end - this.#first,
      firstDeltaBytes: this.#firstDeltaBytes,
    }
  }
}
