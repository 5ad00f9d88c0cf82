/** One question to the exchange, "begin or go on with this exam", and its answer. */
import { fail } from '#contract/errors.ts'
import { brandId, type DeploymentId, type ExamId, type Instrument, type ModelSha256 } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { VenueContext, DeploymentFacts } from '#core/core-context.ts'
import { identityOf } from '#core/deployments/index.ts'
import { exchangeRefusal, type ExamRefused, type ExamStarted } from '#core/venues/index.ts'
import { within } from '#lib/within.ts'

export const ANSWER_MS = 15 * SECOND_MS

export interface RequestedExam {
  instrument: string
  deploymentId: string
  sha256: string
  remote: NonNullable<DeploymentFacts['remote']> | null
  engine: string
  device: string
  slots: number
  /** The attempt to go on with. */
  examId?: string
}

export class ExamRequest {
  readonly requested: RequestedExam
  readonly #context: VenueContext
  readonly requestId: string
  readonly #reject: (error: Error) => void
  readonly #resolve: (event: ExamStarted) => void
  readonly #answer: Promise<ExamStarted>

  constructor(context: VenueContext, requested: RequestedExam) {
    this.requested = requested
    this.#context = context
    this.requestId = context.ids.next('req')
    const { promise, resolve, reject } = Promise.withResolvers<ExamStarted>()
    this.#answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Sends it. Errors: EXCHANGE_OFFLINE, TIMEOUT, the exchange's refusal (EXAM_ATTEMPTS, EXAM_RUNNING, NOT_FOUND …). */
  async send(): Promise<ExamStarted> {
    const { clock, venue } = this.#context
    const { instrument, deploymentId, sha256, remote, engine, device, slots, examId } = this.requested
    venue.startExam({
      requestId: this.requestId,
      instrument: brandId<Instrument>(instrument),
      deploymentId: brandId<DeploymentId>(deploymentId),
      identity: identityOf({ sha256: brandId<ModelSha256>(sha256), remote }, { engine, device }),
      slots,
      ...(examId === undefined ? {} : { examId: brandId<ExamId>(examId) }),
    })
    return within(clock, ANSWER_MS, this.#answer, () => fail('exam.requestLate'))
  }

  /** True when the event answers this request. */
  take(event: ExamStarted | ExamRefused): boolean {
    if (event.requestId !== this.requestId) return false
    if (event.kind === 'exam-started') this.#resolve(event)
    else this.#reject(exchangeRefusal(event.error))
    return true
  }

  fail(error: Error): void {
    this.#reject(error)
  }
}
