/** A job while it runs: what arrived, when, and what of it would be billed. Memory only; texts never reach disk. */
import type { SupplierProtocol } from '#contract/supplier-v2.ts'
import { callRate } from '#exam/judge-call.ts'
import { bytes4OfLength, BYTES_A_TOKEN, utf8Length, utf8Prefix } from '#contract/bytes4.ts'
import type { ErrorValue } from '#contract/errors.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { InferenceRequest } from '#contract/inference.ts'
import type { Nano, NanoPerMtok, Price } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'

import { LIMITS } from '../exchange-limits.ts'

export interface Delivered {
  finish: 'stop' | 'length' | 'cancelled'
  text: string
  inputTokens: number
  outputTokens: number
  ttftMs: number | null
  tokPerS: number | null
  durationMs: number
  receipt: Receipt | null
}

/**
 * Whoever ordered: a buyer's HTTP call, the practice buyer, or an exam. Exactly one of onDone and onFailed is called,
 * once, unless the order was cancelled by it.
 */
export interface OrderSink {
  /** A supplier was found; called again when the order is rerouted. */
  onRouted(job: { jobId: string; salt: string; supplier: string; price: Price }): void
  onDelta(text: string): void
  onDone(delivered: Delivered): void
  /** `afterText`: the buyer already has part of an answer. `deadline` says which failure it was. */
  onFailed(error: ErrorValue, afterText: boolean): void
}

/** Whose call an order answers, in MACs under the exchange's secret. */
export interface CallMacs {
  /** Of buyer and key; null where the buyer gave no key. */
  keyMac: string | null
  bodyMac: string
}

export interface BuyerOrder {
  orderId: string
  buyerId: string
  spec: GradeSpec
  request: InferenceRequest
  inputTokens: number
  /** None of the three may be above it. */
  maxPrice: NanoPerMtok
  sink: OrderSink
  /** Absent where nobody waits behind HTTP (the practice buyer, exams): such an answer needs no delivered mark. */
  call?: CallMacs
  /** Milliseconds of the deadline that an earlier sending of the same exam call has used up. */
  spentMs?: number
}

/**
 * An answer as it streams in; a surrogate pair split over two deltas is joined before it is counted or passed on. All
 * of it is kept, since the seller signs for all of it; what is passed on ends where billing does.
 */
export class StreamedAnswer {
  readonly #parts: string[] = []
  readonly #mostBytes: number
  #bytes = 0
  #half = ''
  #frozen: number | null = null
  #passedBytes = 0
  #passedChars = 0
  #cut = false

  /** `mostBytes` of text are passed on at most; what an exam judges is passed on whole. */
  constructor(mostBytes = Number.POSITIVE_INFINITY) {
    this.#mostBytes = mostBytes
  }

  /** Returns the text that may be passed on now. */
  add(text: string): string {
    let whole = this.#half + text
    const last = whole.charCodeAt(whole.length - 1)
    this.#half = last >= 0xd800 && last < 0xdc00 ? whole.slice(-1) : ''
    if (this.#half !== '') whole = whole.slice(0, -1)
    return this.#push(whole)
  }

  /** A half pair left at the end is part of the answer after all. */
  end(): string {
    const rest = this.#half
    this.#half = ''
    return this.#push(rest)
  }

  /** From now on nothing more is billed: the buyer has left. */
  freeze(): void {
    this.#frozen ??= this.#bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** As the supplier sent it. */
  get text(): string {
    return this.#parts.join('')
  }

  /** As the buyer gets it. */
  get passedOn(): string {
    return this.text.slice(0, this.#passedChars)
  }

  /** Something was left out at its end. */
  get cut(): boolean {
    return this.#cut
  }

  billedTokens(maxTokens: number): number {
    return Math.min(bytes4OfLength(this.#frozen ?? this.#bytes), maxTokens)
  }

  #push(text: string): string {
    if (text === '') return ''
    this.#parts.push(text)
    this.#bytes += utf8Length(text)
    if (this.#cut) return ''
    const passed = utf8Prefix(text, this.#mostBytes - this.#passedBytes)
    this.#cut = passed.length < text.length
    this.#passedBytes += utf8Length(passed)
    this.#passedChars += passed.length
    return passed
  }
}

/** The most text that a job's `maxTokens` pay for: a reference token is 4 bytes (contract/bytes4.ts). */
export const billedBytesMax = (maxTokens: number): number => maxTokens * BYTES_A_TOKEN

export const answerBytesMax = (maxTokens: number): number =>
  maxTokens * LIMITS.answerBytesPerToken + LIMITS.answerBytesExtra

export interface RoutedJob {
  readonly jobId: string
  readonly order: BuyerOrder
  readonly supplier: string
  readonly deploymentId: string
  readonly modelSha256: string
  /** That of the session it was sent in: its claim and receipt are of this version. */
  readonly protocol: SupplierProtocol
  readonly price: Price
  /** Billed reference tokens of the request. */
  readonly inputTokens: number
  readonly reserveNano: Nano
  /** Whose prefixes it may share; none of an exam call. */
  readonly cacheScope: string | null
  readonly salt: string
  readonly requestMac: string
  readonly exam: { examId: string; itemId: string } | null
  readonly answer: StreamedAnswer
  /** Monotonic milliseconds by the exchange's clock. */
  readonly sentAt: number
  readonly deadlineMs: number
  accepted: boolean
  firstDeltaAt: number | null
  lastDeltaAt: number | null
  firstDeltaBytes: number
  cancelled: boolean
  stopTimer: () => void
}

/** Time to first token, and reference tokens per second as the exam counts them; null before anything came. */
export function measure(job: RoutedJob): { ttftMs: number | null; tokPerS: number | null } {
  if (job.firstDeltaAt === null || job.lastDeltaAt === null) return { ttftMs: null, tokPerS: null }
  const tokPerS = callRate({
    reply: job.answer.text,
    durationMs: job.lastDeltaAt - job.sentAt,
    streamMs: job.lastDeltaAt - job.firstDeltaAt,
    firstDeltaBytes: job.firstDeltaBytes,
  })
  return { ttftMs: job.firstDeltaAt - job.sentAt, tokPerS }
}
