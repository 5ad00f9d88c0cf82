/** One question to the exchange, "begin or go on with this exam", and its answer. */
import { fail } from '#contract/errors.ts'
import { brandId, type DeploymentId, type ExamId, type Instrument, type ModelSha256 } from '#contract/ids.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import { SECOND_MS } from '#contract/time.ts'
import { exchangeRefusal } from '#core/exchange/index.ts'
import type { CoreContext, DeploymentFacts } from '#core/core-context.ts'
import { identityOf } from '#core/deployments/index.ts'
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
export type Started = Extract<ExchangeFrame, { t: 'exam.started' }>
type Refused = Extract<ExchangeFrame, { t: 'exam.refused' }>

export class ExamRequest {
  readonly requested: RequestedExam
  readonly #context: CoreContext
  readonly requestId: string
  readonly #reject: (error: Error) => void
  readonly #resolve: (frame: Started) => void
  readonly #answer: Promise<Started>

  constructor(context: CoreContext, requested: RequestedExam) {
    this.requested = requested
    this.#context = context
    this.requestId = context.ids.next('req')
    const { promise, resolve, reject } = Promise.withResolvers<Started>()
    this.#answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Sends it. Errors: EXCHANGE_OFFLINE, TIMEOUT, the exchange's refusal (EXAM_ATTEMPTS, EXAM_RUNNING, NOT_FOUND …). */
  async send(): Promise<Started> {
    const { clock, exchange } = this.#context
    const { instrument, deploymentId, sha256, remote, engine, device, slots, examId } = this.requested
    exchange.send({
      t: 'exam.start',
      requestId: this.requestId,
      instrument: brandId<Instrument>(instrument),
      deploymentId: brandId<DeploymentId>(deploymentId),
      identity: identityOf({ sha256: brandId<ModelSha256>(sha256), remote }, { engine, device }),
      slots,
      ...(examId === undefined ? {} : { examId: brandId<ExamId>(examId) }),
    })
    return within(clock, ANSWER_MS, this.#answer, () => fail('exam.requestLate'))
  }

  /** True when the frame answers this request. */
  take(frame: Started | Refused): boolean {
    if (frame.requestId !== this.requestId) return false
    if (frame.t === 'exam.started') this.#resolve(frame)
    else this.#reject(exchangeRefusal(frame.error))
    return true
  }

  fail(error: Error): void {
    this.#reject(error)
  }
}
