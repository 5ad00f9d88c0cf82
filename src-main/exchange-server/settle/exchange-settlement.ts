/**
 * Money of a job: reserved when routed, posted on the claim or voided. Each step is one transaction with the job's
 * state, so that a crash leaves either all of it or none. The frame goes out after the commit.
 */
import { makeReceipt, makeReceiptV2, receiptHash, signReceipt } from '#books/receipts.ts'
import { transferId } from '#books/transfer-ids.ts'
import { asOnePrice } from '#contract/money.ts'
import type { Claim, Receipt, SignedClaim } from '#contract/receipt.ts'
import type { ExchangeFrameV2 } from '#contract/supplier-v2.ts'
import { brandId, type JobId, type PublicKey } from '#contract/ids.ts'
import { canonicalJson } from '#lib/canonical.ts'
import type { WriteDb } from '#db/db-types.ts'

import { buyerAccount, CLEARING, FEES, heldAccount } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { measure, type RoutedJob } from '../jobs/routed-job.ts'
import { insertCall, type CallOutcome } from '../store/calls.store.ts'
import { endJob, insertJob, jobStanding, runningJobs } from '../store/buyer-jobs.store.ts'
import { insertUndelivered, saveKeyedCall } from '../store/refunds.store.ts'
import { appendReceipt, findSupplier, receiptJson } from '../store/suppliers.store.ts'

const RESTART_BATCH = 500

/**
 * Reserves the most the job can cost and writes its row. Exam jobs leave no trace here. Error: LEDGER_CONFLICT
 * (data.reason `limit`) when the buyer's credit does not cover it.
 */
export function reserveFor(context: ExchangeContext, job: RoutedJob): void {
  if (job.exam !== null) return
  const { books, clock } = context
  const { order } = job
  const at = clock.now()
  context.db.tx((db) => {
    insertJob(db, {
      jobId: job.jobId,
      orderId: order.orderId,
      buyerId: order.buyerId,
      supplier: job.supplier,
      instrument: order.spec.instrument,
      specVersion: order.spec.version,
      modelSha256: job.modelSha256,
      price: job.price,
      inputTokens: job.inputTokens,
      maxTokens: order.request.maxTokens,
      reserveNano: job.reserveNano,
      createdAt: at,
    })
    const { keyMac = null, bodyMac = '' } = order.call ?? {}
    if (keyMac !== null) saveKeyedCall(db, { keyMac, bodyMac, jobId: job.jobId, at })
    if (job.reserveNano > 0)
      books.reserve(db, {
        id: transferId(db, 'reserve', job.jobId),
        debit: buyerAccount(order.buyerId),
        credit: CLEARING,
        amount: job.reserveNano,
        code: 'reserve',
        jobId: job.jobId,
        at,
        expiresAt: at + job.deadlineMs,
      })
  })
}

/** Ends a job unpaid and frees what was reserved. No-op for an exam job's money; its call is measured all the same. */
export function voidJob(context: ExchangeContext, job: RoutedJob, outcome: CallOutcome, reason: string): void {
  const at = context.clock.now()
  context.db.tx((db) => {
    record(context, db, job, outcome)
    if (job.exam === null && endJob(db, job.jobId, 'void', reason.slice(0, 200), at) && job.reserveNano > 0)
      context.books.void(db, {
        id: transferId(db, 'void', job.jobId),
        pendingId: transferId(db, 'reserve', job.jobId),
        reason: outcome,
        at,
      })
  })
}

/**
 * Posts what is billed, splits the fee, appends the receipt to the supplier's chain: one transaction, unique on the job
 * id.
 */
export function settleJob(context: ExchangeContext, job: RoutedJob, claim: Claim, claimSig: string): Receipt {
  const { books, clock } = context
  const at = clock.now()
  return context.db.tx((db) => {
    if (!endJob(db, job.jobId, 'settled', '', at)) throw new Error(`job ${job.jobId} was not running`)
    const chain = findSupplier(db, job.supplier)!
    const receipt = receiptOf(
      context,
      job,
      { claim, claimSig },
      { seq: chain.receiptSeq + 1, prev: chain.receiptHead, at },
    )
    const { grossNano, feeNano, sellerNano } = receipt
    const common = { jobId: job.jobId, at }
    if (grossNano > 0)
      books.post(db, {
        id: transferId(db, 'post', job.jobId),
        pendingId: transferId(db, 'reserve', job.jobId),
        amount: grossNano,
        at,
      })
    else if (job.reserveNano > 0)
      books.void(db, {
        id: transferId(db, 'void', job.jobId),
        pendingId: transferId(db, 'reserve', job.jobId),
        reason: 'nothing to bill',
        at,
      })
    if (sellerNano > 0)
      books.transfer(db, {
        id: transferId(db, 'pay', job.jobId),
        debit: CLEARING,
        credit: heldAccount(job.supplier),
        amount: sellerNano,
        code: 'sale',
        ...common,
      })
    if (feeNano > 0)
      books.transfer(db, {
        id: transferId(db, 'fee', job.jobId),
        debit: CLEARING,
        credit: FEES,
        amount: feeNano,
        code: 'fee',
        ...common,
      })
    appendReceipt(db, job.supplier, receipt, canonicalJson(receipt), receiptHash(receipt))
    const cancelled = claim.finish === 'cancelled' || job.cancelled
    // A buyer who left has had what he pays for.
    if (!cancelled && job.order.call !== undefined) insertUndelivered(db, job.jobId, at)
    record(context, db, job, cancelled ? 'cancelled' : 'done')
    return receipt
  })
}

function receiptOf(
  { terms, key }: ExchangeContext,
  job: RoutedJob,
  { claim, claimSig }: SignedClaim,
  { seq, prev, at }: { seq: number; prev: string; at: number },
): Receipt {
  const { inputTokens, price } = job
  const outputTokens = job.answer.billedTokens(job.order.request.maxTokens)
  const common = {
    seq,
    prev,
    realm: terms.realm,
    feeBps: terms.feeBps,
    settledAt: at,
    releaseAt: at + terms.holdMs,
    exchange: brandId<PublicKey>(key.publicKey),
  }
  if (claim.v === 1)
    return signReceipt(
      key,
      makeReceipt({
        ...common,
        signed: { claim, claimSig },
        billed: { inputTokens, outputTokens },
        priceNanoPerMtok: asOnePrice(price),
      }),
    )
  return signReceipt(
    key,
    makeReceiptV2({
      ...common,
      signed: { claim, claimSig },
      unit: terms.unit,
      billed: { inputTokens, cachedInputTokens: 0, outputTokens },
      price,
    }),
  )
}

/** The answer to a claim for a job that no longer runs: the same receipt bytes, or void. */
export function storedAnswer(context: ExchangeContext, supplier: string, jobId: string): ExchangeFrameV2 {
  const json = receiptJson(context.db.read, jobId, supplier)
  if (json !== null) return { t: 'job.settled', receipt: JSON.parse(json) as Receipt }
  const standing = jobStanding(context.db.read, jobId, supplier)
  return {
    t: 'job.void',
    jobId: brandId<JobId>(jobId),
    reason: standing === null ? 'the exchange knows no such job' : standing.reason,
  }
}

/**
 * At start: jobs that ran when the exchange stopped lost their buyers' connections, so they end unpaid. Returns how
 * many.
 */
export function voidInterrupted(context: ExchangeContext): number {
  const at = context.clock.now()
  let ended = 0
  for (
    let batch = runningJobs(context.db.read, RESTART_BATCH);
    batch.length > 0;
    batch = runningJobs(context.db.read, RESTART_BATCH)
  ) {
    context.db.tx((db) => {
      for (const job of batch) {
        endJob(db, job.jobId, 'void', 'the exchange was restarted while the job ran', at)
        if (job.reserveNano > 0)
          context.books.void(db, {
            id: transferId(db, 'void', job.jobId),
            pendingId: transferId(db, 'reserve', job.jobId),
            reason: 'restart',
            at,
          })
      }
    })
    ended += batch.length
  }
  return ended
}

function record({ clock }: ExchangeContext, db: WriteDb, job: RoutedJob, outcome: CallOutcome): void {
  const { ttftMs, tokPerS } = measure(job)
  const { limits, instrument } = job.order.spec
  insertCall(db, {
    jobId: job.jobId,
    supplier: job.supplier,
    instrument,
    at: clock.now(),
    outcome,
    ttftMs,
    tokPerS,
    withinTtft: ttftMs === null ? null : ttftMs <= limits.ttftCeilingMs,
    withinRate: tokPerS === null ? null : tokPerS >= limits.throughputFloorTokPerS,
  })
}
