/**
 * What suppliers send about their jobs: accept, reject, text, claim, error. Late and repeated frames change nothing.
 */
import { utf8Length } from '#contract/bytes4.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import type { SupplierFrameV2 } from '#contract/supplier-v2.ts'
import { OF_THE_REQUEST } from '#contract/error-codes.ts'
import { failValue, ERROR_CODES, type ErrorValue } from '#contract/errors.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { claimProblem } from '../settle/claim-problem.ts'
import { settleJob, storedAnswer } from '../settle/exchange-settlement.ts'
import type { Peer } from '../supply/peer.ts'
import { answerBytesMax, measure, type RoutedJob } from './routed-job.ts'
import type { Router } from './router.ts'

type FrameOf<T extends SupplierFrameV2['t']> = Extract<SupplierFrameV2, { t: T }>

/** Codes that speak of the exchange or the buyer; from a supplier they would lie to the buyer. */
const NOT_THEIRS: readonly string[] = [
  'INTERNAL',
  'LEDGER_CONFLICT',
  'LEDGER_UNKNOWN',
  'MONEY_RANGE',
  'NO_SUPPLIER',
  'DISK_FULL',
  'DISK_READONLY',
  'DISK_FAILED',
  'DB_CORRUPT',
]

/**
 * A supplier's failure by its code alone, which is stored: its message, data, or a code of its own making could hold
 * words of the request.
 */
function supplierError(said: string): ErrorValue {
  const code = ERROR_CODES.find((known) => known === said && !NOT_THEIRS.includes(known)) ?? 'ENGINE_REFUSED'
  return { ...failValue('exchange.supplierFailed', { code }), code }
}

export class Deliveries {
  readonly #context: ExchangeContext
  readonly #router: Router

  constructor(context: ExchangeContext, router: Router) {
    this.#context = context
    this.#router = router
  }

  accept(peer: Peer, jobId: string): void {
    const job = peer.jobs.get(jobId)
    if (job !== undefined) job.accepted = true
  }

  delta(peer: Peer, { jobId, text: piece }: FrameOf<'job.delta'>): void {
    const job = peer.jobs.get(jobId)
    if (job === undefined) return
    // Nobody asked for them: this exchange orders neither tools nor reasoning yet.
    if (piece.reasoning !== '' || piece.toolCalls.length > 0)
      return this.#refuse(
        peer,
        job,
        failValue('exchange.textNotAsked', { field: piece.reasoning === '' ? 'toolCalls' : 'reasoning' }),
      )
    const text = piece.content
    if (text === '') return
    job.accepted = true
    job.lastDeltaAt = this.#context.clock.mono()
    if (job.firstDeltaAt === null) {
      job.firstDeltaAt = job.lastDeltaAt
      job.firstDeltaBytes = utf8Length(text)
    }
    const whole = job.answer.add(text)
    if (job.answer.bytes > answerBytesMax(job.order.request.maxTokens))
      this.#refuse(peer, job, failValue('exchange.answerTooLong'))
    else if (!job.cancelled && whole !== '') job.order.sink.onDelta(whole)
  }

  /** A refusal or a failure: same thing to the buyer. */
  error(peer: Peer, { jobId, error }: FrameOf<'job.reject'> | FrameOf<'job.error'>): void {
    const job = peer.jobs.get(jobId)
    if (job === undefined) return
    const failure = supplierError(error.code)
    const unservable = job.exam === null && job.firstDeltaAt === null && OF_THE_REQUEST.includes(failure.code)
    this.#router.fail(job, job.cancelled ? 'cancelled' : unservable ? 'unservable' : 'supplier-failed', failure)
  }

  /** By policy or licence: another supplier gets the order, and nothing is said against this one. */
  decline(peer: Peer, { jobId, reason }: FrameOf<'job.decline'>): void {
    const job = peer.jobs.get(jobId)
    if (job === undefined) return
    if (job.firstDeltaAt === null) this.#router.fail(job, 'declined', failValue('exchange.declined', { reason }))
    else this.#refuse(peer, job, failValue('exchange.declinedLate'))
  }

  done(peer: Peer, frame: FrameOf<'job.done'>): void {
    const job = peer.jobs.get(frame.jobId)
    if (job === undefined) {
      peer.send(storedAnswer(this.#context, peer.supplier, frame.jobId))
      return
    }
    const rest = job.answer.end()
    if (rest !== '' && !job.cancelled) job.order.sink.onDelta(rest)
    const problem = claimProblem(job, frame.claim, frame.claimSig)
    if (problem !== null) {
      this.#refuse(peer, job, failValue('exchange.claimRefused', { problem }))
      return
    }
    const receipt = job.exam === null ? settleJob(this.#context, job, frame.claim, frame.claimSig) : null
    this.#router.detach(job)
    if (receipt !== null) peer.send({ t: 'job.settled', receipt })
    const { ttftMs, tokPerS } = measure(job)
    const { cut } = job.answer
    if (!job.cancelled) this.#router.served(job)
    job.order.sink.onDone({
      finish: cut && frame.claim.finish === 'stop' ? 'length' : frame.claim.finish,
      text: job.answer.passedOn,
      inputTokens: job.inputTokens,
      outputTokens: job.answer.billedTokens(job.order.request.maxTokens),
      ttftMs,
      tokPerS,
      durationMs: this.#context.clock.mono() - job.sentAt,
      receipt,
    })
    this.#router.close(job)
  }

  /** The session is over: every job of it ends unpaid, those without text go to another supplier. */
  drop(peer: Peer): void {
    for (const job of peer.jobs.values()) {
      peer.jobs.delete(job.jobId)
      this.#router.fail(job, job.cancelled ? 'cancelled' : 'dropped', failValue('exchange.supplierLeft'))
    }
  }

  #refuse(peer: Peer, job: RoutedJob, error: ErrorValue): void {
    const jobId = brandId<JobId>(job.jobId)
    peer.send({ t: 'job.cancel', jobId, reason: 'exchange' })
    if (job.exam === null) peer.send({ t: 'job.void', jobId, reason: error.message.slice(0, 200) })
    this.#router.fail(job, 'supplier-failed', error)
  }
}
