/**
 * One running job: the text sent so far (memory only), its timing, and deltas joined so that at most one frame goes out
 * per 10 ms, less often the more jobs run.
 */
import { bytes4OfLength, utf8Length } from '#contract/bytes4.ts'
import { brandId, type Instrument, type JobId, type ModelSha256 } from '#contract/ids.ts'
import type { LiveJob } from '#contract/app.ts'
import { costOf, nano, splitFee } from '#contract/money.ts'
import type { Claim } from '#contract/receipt.ts'
import type { Clock } from '#contract/time.ts'
import { answerMac, answerMacV2, plainAnswer, requestMac } from '#books/receipts.ts'
import { inputTokensOf } from '#lib/billed-tokens.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import type { ServedCall } from '#core/capacity/index.ts'
import type { Lease } from '#core/capacity/lease.port.ts'
import type { OfferedJob } from '#core/venues/index.ts'

import type { Route } from './admission.ts'

const DELTA_EVERY_MS = 10
/** Of all jobs together: half of what an exchange takes from one socket in the long run (docs/protocol.md). */
const DELTAS_PER_MS = 1
const DELTA_CHARACTERS_MAX = 65_536

const isHigh = (unit: string | undefined): boolean => unit !== undefined && unit >= '\ud800' && unit < '\udc00'
const isLow = (unit: string | undefined): boolean => unit !== undefined && unit >= '\udc00' && unit < '\ue000'

export type CancelReason = 'buyer' | 'deadline' | 'exchange'

export interface ActiveJobDeps {
  clock: Clock
  engine: Pick<EnginePort, 'cancel'>
  /** Takes a delta to the exchange. */
  send: (text: string) => void
  /** Jobs running at this moment, this one among them. */
  running: () => number
  /** Its slot; null for an exam call. */
  lease: Lease | null
}

export class ActiveJob implements ServedCall {
  readonly frame: OfferedJob
  readonly route: Route
  /** The one that works on it, whatever the deployment's engine is later. */
  readonly engine: ActiveJobDeps['engine']
  readonly lease: Lease | null
  readonly startedAt: number
  readonly inputTokens: number
  cancelled: CancelReason | null = null
  /** Settled one way or the other: late events of the engine are ignored. */
  over = false
  /** The text of an exam call is stored. */
  replyKept = false
  readonly #clock: Clock
  readonly #send: (text: string) => void
  readonly #running: () => number
  readonly #began: number
  #firstAt: number | null = null
  #sent: string[] = []
  #sentBytes = 0
  #waiting: string[] = []
  #lastFlush = Number.NEGATIVE_INFINITY
  #scheduled = false

  constructor(frame: OfferedJob, route: Route, { clock, engine, send, running, lease }: ActiveJobDeps) {
    this.frame = frame
    this.route = route
    this.engine = engine
    this.lease = lease
    this.#clock = clock
    this.#send = send
    this.#running = running
    this.#began = clock.mono()
    this.startedAt = clock.now()
    this.inputTokens = inputTokensOf(frame.protocol ?? 1, frame.request)
  }

  /** What the exchange was sent: what is billed and what the answer's HMAC covers. */
  get text(): string {
    return this.#sent.join('')
  }

  get outputTokens(): number {
    return Math.min(bytes4OfLength(this.#sentBytes), this.frame.request.maxTokens)
  }

  get exam(): boolean {
    return this.frame.examId !== undefined
  }

  get begun(): boolean {
    return this.#firstAt !== null
  }

  get tokensLeft(): number {
    return this.frame.request.maxTokens - this.outputTokens
  }

  delta(text: string): void {
    if (this.over || this.cancelled !== null) return
    this.#waiting.push(text)
    const due = this.#lastFlush + Math.max(DELTA_EVERY_MS, this.#running() / DELTAS_PER_MS) - this.#clock.mono()
    if (due <= 0) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      const later = (): void => {
        this.#scheduled = false
        if (!this.over && this.cancelled === null) this.flush()
      }
      this.#clock.sleep(due, { unref: true }).then(later, later)
    }
  }

  flush(): void {
    const text = this.#waiting.join('')
    if (text === '') return
    this.#waiting = []
    this.#lastFlush = this.#clock.mono()
    this.#firstAt ??= this.#lastFlush
    for (let at = 0; at < text.length; at += DELTA_CHARACTERS_MAX) this.#send(text.slice(at, at + DELTA_CHARACTERS_MAX))
    // A surrogate pair split over two deltas is one character of 4 bytes, counted as 3 + 3 by halves: the exchange
    // joins it, and so must we.
    const isSplit = isHigh(this.#sent.at(-1)?.at(-1)) && isLow(text[0])
    this.#sentBytes += utf8Length(text) - (isSplit ? 2 : 0)
    this.#sent.push(text)
  }

  /** Milliseconds from the job's arrival to its first delta; null before it. */
  get ttftMs(): number | null {
    return this.#firstAt === null ? null : this.#firstAt - this.#began
  }

  /** Reference tokens per second since the first delta; null while nothing can be said. */
  get tokPerS(): number | null {
    const seconds = this.#firstAt === null ? 0 : (this.#clock.mono() - this.#firstAt) / 1_000
    return seconds > 0 && this.outputTokens > 1 ? (this.outputTokens - 1) / seconds : null
  }

  claim(key: SigningKey, finish: Claim['finish']): Claim {
    const durationMs = Math.max(0, Math.round(this.#clock.mono() - this.#began))
    const { jobId, instrument, specVersion, request, salt, protocol = 1 } = this.frame
    const facts = {
      jobId,
      supplier: key.publicKey,
      instrument,
      specVersion,
      modelSha256: brandId<ModelSha256>(this.route.sha256),
      usage: { inputTokens: this.inputTokens, outputTokens: this.outputTokens },
      timings: { ttftMs: Math.round(this.ttftMs ?? durationMs), durationMs },
      requestMac: requestMac(salt, request),
      finish,
    }
    if (protocol === 1) return { v: 1, ...facts, answerMac: answerMac(salt, this.text) }
    return { v: 2, ...facts, answerMac: answerMacV2(salt, plainAnswer(this.text)), logprobRoot: null }
  }

  live(feeBps: number): Omit<LiveJob, 'venueId'> {
    const gross = costOf({ input: this.inputTokens, cachedInput: 0, output: this.outputTokens }, this.frame.price)
    return {
      jobId: brandId<JobId>(this.frame.jobId),
      instrument: brandId<Instrument>(this.frame.instrument),
      startedAt: this.startedAt,
      inputTokens: this.inputTokens,
      outputTokens: this.outputTokens,
      ttftMs: this.ttftMs,
      tokPerS: this.tokPerS,
      sellerNano: nano(splitFee(gross, feeBps).seller),
      exam: this.frame.examId !== undefined,
    }
  }
}
