/**
 * Finds a supplier for every order, keeps the waiting line, and reroutes before the first token. What suppliers send
 * back is deliveries.ts.
 */
import { type ErrorValue, fail, failValue, inWords, StokerError, toErrorValue } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import { brandId, type ExamId, type Instrument, type JobId } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'

import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { voidJob } from '../settle/exchange-settlement.ts'
import { blameSupplier, type CallOutcome } from '../store/calls.store.ts'
import { fits, match } from '../supply/matching.ts'
import type { Peer } from '../supply/peer.ts'
import type { Registry } from '../supply/supplier-registry.ts'
import type { RoutedJob, BuyerOrder } from './routed-job.ts'
import { reservedJob, type Target } from './new-job.ts'
import { OpenOrder } from './open-order.ts'
import { WaitingLine } from './waiting-line.ts'

export class Router {
  readonly #context: ExchangeContext
  readonly #registry: Registry
  readonly #bookChanged: (instrument: string) => void
  readonly #open = new Map<string, OpenOrder>()
  readonly #waiting: WaitingLine
  /** Jobs that are over and could not be ended in the books: as many as could run when the disk failed, at most. */
  readonly #unended = new Map<string, () => void>()

  constructor(context: ExchangeContext, registry: Registry, bookChanged: (instrument: string) => void) {
    this.#context = context
    this.#waiting = new WaitingLine(context.clock)
    this.#registry = registry
    this.#bookChanged = bookChanged
  }

  waitingFor(instrument: string): number {
    return this.#waiting.count(instrument)
  }

  /**
   * Routes the order, now or as soon as a slot is free. Every outcome arrives at its sink. Throws UNAVAILABLE when too
   * many orders are open.
   */
  submit(order: BuyerOrder): () => void {
    if (this.#open.size >= LIMITS.liveOrders) throw fail('exchange.ordersFull')
    const open = new OpenOrder(order)
    this.#open.set(order.orderId, open)
    this.#route(open)
    return () => this.#cancel(open)
  }

  /** Sends an exam call to the supplier that asked for the exam: price 0, no reservation, never rerouted. */
  submitDirect(
    order: BuyerOrder,
    target: { peer: Peer; deploymentId: string; modelSha256: string; exam: { examId: string; itemId: string } },
  ): () => void {
    const open = new OpenOrder(order)
    this.#open.set(order.orderId, open)
    this.#start(open, { ...target, ask: onePrice(nanoPerMtok(0)) })
    return () => this.#cancel(open)
  }

  /** A slot, an offer or a supplier became free: serves who waits, oldest first. */
  dispatchWaiting(): void {
    for (const id of this.#waiting.orderIds()) {
      const open = this.#open.get(id)
      if (open !== undefined) this.#route(open)
    }
  }

  /** Takes a job off its supplier; the caller has ended it in the database. */
  detach(job: RoutedJob): void {
    job.stopTimer()
    this.#registry.get(job.supplier)?.jobs.delete(job.jobId)
    this.#bookChanged(job.order.spec.instrument)
  }

  /**
   * A supplier served the order: one that said before that nobody could has failed it. Errors of the database are
   * logged, since the answer stands.
   */
  served(job: RoutedJob): void {
    const unservable = this.#open.get(job.order.orderId)?.unservable ?? []
    if (unservable.length === 0) return
    try {
      this.#context.db.tx((db) => blameSupplier(db, unservable))
    } catch (cause) {
      this.#context.log.error({ err: cause, jobId: job.jobId }, 'a wrong refusal could not be written down')
    }
  }

  /** The order is over. */
  close(job: RoutedJob): void {
    this.#open.delete(job.order.orderId)
    this.dispatchWaiting()
  }

  /** A supplier's failure: nothing is paid; another supplier gets the order if nothing was delivered yet. */
  fail(job: RoutedJob, outcome: CallOutcome, error: ErrorValue): void {
    this.detach(job)
    // A supplier's own words could hold a prompt, so only its code is kept.
    const isTheirs = outcome === 'supplier-failed' || outcome === 'unservable'
    const reason = isTheirs ? `the supplier failed (${error.code})` : error.message
    const end = (): void => voidJob(this.#context, job, outcome, reason)
    try {
      end()
    } catch (cause) {
      // A full disk, say. The buyer hears of the failure all the same; the books follow when they can be written.
      this.#context.log.error({ err: cause, jobId: job.jobId }, 'a failed job could not be ended in the books yet')
      this.#unended.set(job.jobId, end)
    }
    const open = this.#open.get(job.order.orderId)
    if (open === undefined) return
    open.job = null
    if (outcome === 'unservable') open.unservable.push(job.jobId)
    if (job.cancelled) this.close(job)
    else if (job.firstDeltaAt !== null || job.exam !== null) this.#giveUp(open, error, job.firstDeltaAt !== null)
    else {
      if (open.failedBy(job.supplier, error))
        after(this.#context.clock, LIMITS.busyPauseMs, () => this.#rested(open, job.supplier))
      this.#route(open)
    }
    this.dispatchWaiting()
  }

  /** Ends what could not be ended before, for instance for want of disk. Throws what still stands in the way. */
  endRemaining(): void {
    for (const [jobId, end] of this.#unended) {
      end()
      this.#unended.delete(jobId)
    }
  }

  #rested(open: OpenOrder, supplier: string): void {
    open.rested(supplier)
    if (this.#open.get(open.order.orderId) === open && open.job === null) this.#route(open)
  }

  #route(open: OpenOrder): void {
    const { order, tried } = open
    const wanted = {
      inputTokens: order.inputTokens,
      maxTokens: order.request.maxTokens,
      tried,
      maxPrice: order.maxPrice,
    }
    const standing = this.#registry.standing(order.spec.instrument, this.#context.clock.now())
    const askable = standing.filter((offer) => !open.barred(offer.supplier))
    const found = tried.size < LIMITS.attempts ? match(askable, wanted) : null
    if (found !== null) {
      this.#stopWaiting(open)
      this.#start(open, {
        peer: found.peer,
        deploymentId: found.offer.deploymentId,
        modelSha256: found.offer.identity.sha256,
        ask: found.ask,
        exam: null,
      })
      return
    }
    if (this.#waiting.has(order.orderId)) return
    if (tried.size >= LIMITS.attempts || !standing.some((offer) => fits(offer, wanted)))
      this.#giveUp(
        open,
        open.lastError ?? failValue('exchange.noSupplier', { instrument: order.spec.instrument }),
        false,
      )
    else if (this.#waiting.full)
      this.#giveUp(open, failValue('exchange.suppliersBusy', { instrument: order.spec.instrument }), false)
    else this.#wait(open)
  }

  #wait(open: OpenOrder): void {
    const { orderId, spec } = open.order
    const now = this.#context.clock.mono()
    this.#waiting.enter(
      orderId,
      { instrument: spec.instrument, forMs: open.waitMs(now), since: open.since(now) },
      () => {
        this.#bookChanged(spec.instrument)
        this.#giveUp(
          open,
          open.lastError ??
            failValue('exchange.suppliersBusyLong', {
              instrument: spec.instrument,
              seconds: LIMITS.waitForSlotMs / 1_000,
            }),
          false,
        )
      },
    )
    this.#bookChanged(spec.instrument)
  }

  #stopWaiting({ order }: OpenOrder): void {
    if (this.#waiting.leave(order.orderId)) this.#bookChanged(order.spec.instrument)
  }

  #start(open: OpenOrder, target: Target): void {
    let job: RoutedJob
    try {
      job = reservedJob(this.#context, open.order, target)
    } catch (error) {
      // An order that cannot be made into a job ends here, whoever routed it: nobody else's order may suffer.
      if (!(error instanceof StokerError))
        this.#context.log.error({ err: error }, 'an order could not be made into a job')
      this.#giveUp(open, toErrorValue(error), false)
      return
    }
    open.job = job
    this.#send(job, target)
  }

  #send(job: RoutedJob, target: Target): void {
    const { clock } = this.#context
    const { order, salt, price } = job
    const { spec, request } = order
    target.peer.jobs.set(job.jobId, job)
    job.stopTimer = after(clock, job.deadlineMs, () => this.#deadline(job))
    order.sink.onRouted({ jobId: job.jobId, salt, supplier: job.supplier, price })
    target.peer.send({
      t: 'job',
      jobId: brandId<JobId>(job.jobId),
      instrument: brandId<Instrument>(spec.instrument),
      specVersion: spec.version,
      request,
      price,
      ...(job.cacheScope === null ? {} : { cacheScope: job.cacheScope }),
      reserveNano: job.reserveNano,
      deadlineMs: job.deadlineMs,
      salt,
      ...(job.exam === null ? {} : { examId: brandId<ExamId>(job.exam.examId), itemId: job.exam.itemId }),
    })
    this.#bookChanged(spec.instrument)
  }

  #deadline(job: RoutedJob): void {
    const peer = this.#registry.get(job.supplier)
    if (!job.cancelled) peer?.send({ t: 'job.cancel', jobId: brandId<JobId>(job.jobId), reason: 'deadline' })
    const reason = because(job.cancelled ? 'exchange.noClaim' : 'exchange.deadlinePassed')
    if (job.exam === null) peer?.send({ t: 'job.void', jobId: brandId<JobId>(job.jobId), reason: inWords(reason) })
    this.fail(job, job.cancelled ? 'cancelled' : 'deadline', failValue('exchange.unpaid', { reason }))
  }

  #cancel(open: OpenOrder): void {
    if (this.#open.get(open.order.orderId) !== open) return
    this.#stopWaiting(open)
    const { job } = open
    if (job === null) {
      this.#open.delete(open.order.orderId)
      return
    }
    if (job.cancelled) return
    job.cancelled = true
    job.answer.freeze()
    const peer = this.#registry.get(job.supplier)
    peer?.send({ t: 'job.cancel', jobId: brandId<JobId>(job.jobId), reason: job.exam === null ? 'buyer' : 'exchange' })
    job.stopTimer()
    if (job.accepted && job.exam === null) {
      job.stopTimer = after(this.#context.clock, LIMITS.cancelGraceMs, () => this.#deadline(job))
      return
    }
    if (job.exam === null)
      peer?.send({ t: 'job.void', jobId: brandId<JobId>(job.jobId), reason: 'the buyer left before the job started' })
    this.fail(job, 'cancelled', failValue('exchange.buyerLeft'))
  }

  #giveUp(open: OpenOrder, error: ErrorValue, afterText: boolean): void {
    this.#open.delete(open.order.orderId)
    open.order.sink.onFailed(error, afterText)
  }
}
