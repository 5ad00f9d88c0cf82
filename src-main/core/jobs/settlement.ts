/**
 * The money of a job, one transaction per step: claimed → settled → released, or void. Every step may be repeated after
 * a crash, a resend or a duplicate without moving money twice; the order of the steps is in docs/protocol.md. Transfer
 * ids: claim:, settle:, fee:, release:, void: + job id.
 */
import { done as outboxDone, put as outboxPut } from '#books/outbox.ts'
import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import { amountOf, nano, nanoPerMtok } from '#contract/money.ts'
import type { Receipt, SignedClaim } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { DAY_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { WriteDb } from '#db/db-types.ts'
import { canonicalJson } from '#lib/canonical.ts'

import {
  findJob,
  insertJob,
  insertReceipt,
  insertRelease,
  lastReceipt,
  lastReleaseSeq,
  receiptAt,
  releaseAt,
  settledAtOf,
  updateJob,
  type SellerJobRow,
} from './jobs.store.ts'
import { addFailed, addReleased, addSettled } from './rollup.store.ts'

/** A claim the exchange never answers is voided after this long; it is asked at every connection before that. */
const CLAIM_EXPIRY_MS = 7 * DAY_MS
export const CLAIM_KIND = 'claim'
export const HELD = 'asset:held'
export const AVAILABLE = 'asset:available'
export const FEE = 'expense:fee'
const incomeAccount = (instrument: string): string => `income:${instrument}`

/**
 * `gap`: something before it is missing, ask with sync. `refused`: it does not verify, nothing was posted; `forked`
 * when we hold another record under its number.
 */
export type Outcome = { kind: 'applied' | 'duplicate' | 'gap' } | { kind: 'refused'; problems: string[]; forked?: true }

/** Null where the engine did not say. */
interface Measures {
  enginePromptTokens: number | null
  engineCachedTokens: number | null
  engineGeneratedTokens: number | null
  tokPerS: number | null
}

export interface Settlement {
  claim(signed: SignedClaim, measures: Measures): void
  settle(receipt: Receipt, exchangeKey: string): Outcome
  release(release: Release, exchange: string): Outcome
  /** Nothing will be paid. No effect on a job that is final. */
  voidJob(jobId: string, reason: string): void
  /** Our fault; nothing will be paid. In one transaction; no effect on jobs that are not running. */
  fail(jobs: readonly { jobId: string; reason: string }[]): void
}

type Money = Pick<CoreContext, 'realmDb' | 'books' | 'currency' | 'realm' | 'clock' | 'key'>

export function createSettlement(context: Money): Settlement {
  const { realmDb, clock } = context
  openAccounts(context)
  return {
    claim: (signed, measures) => realmDb.tx((db) => claim(context, db, signed, measures)),
    settle(receipt, exchangeKey) {
      const head = lastReceipt(realmDb.read, receipt.exchange)
      if (head !== null && receipt.seq <= head.seq)
        return known(
          receiptAt(realmDb.read, receipt.exchange, receipt.seq)?.hash === receiptHash(receipt),
          `receipt ${receipt.seq} differs from the one stored`,
        )
      if (receipt.seq !== (head?.seq ?? 0) + 1) return { kind: 'gap' }
      const verified = verifyReceipt(receipt, { exchangeKey, prev: head?.receipt ?? null })
      const problems = [
        ...verified.problems,
        ...disagreements(context, receipt, findJob(realmDb.read, receipt.claim.jobId)),
      ]
      if (problems.length > 0) return { kind: 'refused', problems }
      realmDb.tx((db) => settle(context, db, receipt))
      return { kind: 'applied' }
    },
    release(release, exchange) {
      const last = lastReleaseSeq(realmDb.read, exchange)
      if (release.seq <= last) {
        const stored = releaseAt(realmDb.read, exchange, release.seq)
        return known(
          stored?.jobId === release.jobId && stored.amountNano === release.amountNano,
          `release ${release.seq} differs from the one stored`,
        )
      }
      const job = findJob(realmDb.read, release.jobId)
      if (release.seq !== last + 1 || job === null || job.state !== 'settled') return { kind: 'gap' }
      if (job.exchange !== exchange)
        return { kind: 'refused', problems: [`release ${release.seq} is of a job that another exchange settled`] }
      if (job.sellerNano !== release.amountNano || job.releasedAt !== null)
        return { kind: 'refused', problems: [`release ${release.seq} is not the held amount of its job`] }
      realmDb.tx((db) => postRelease(context, db, release, exchange, job))
      return { kind: 'applied' }
    },
    voidJob: (jobId, reason) => realmDb.tx((db) => voidJob(context, db, jobId, reason)),
    fail: (jobs) =>
      realmDb.tx((db) => {
        for (const { jobId, reason } of jobs) {
          const job = findJob(db, jobId)
          if (job?.state !== 'running') continue
          updateJob(db, jobId, { state: 'failed', reason, endedAt: clock.now() })
          addFailed(db, clock.now(), job.instrument)
        }
      }),
  }
}

const known = (same: boolean, problem: string): Outcome =>
  same ? { kind: 'duplicate' } : { kind: 'refused', problems: [problem], forked: true }

function openAccounts({ realmDb, books, currency }: Money): void {
  realmDb.tx((db) => {
    books.openAccount(db, { id: HELD, kind: 'asset', currency })
    books.openAccount(db, { id: AVAILABLE, kind: 'asset', currency })
    books.openAccount(db, { id: FEE, kind: 'expense', currency })
  })
}

function claim({ books, clock, currency }: Money, db: WriteDb, signed: SignedClaim, measures: Measures): void {
  const { claim: facts, claimSig } = signed
  const job = findJob(db, facts.jobId)
  if (job?.state !== 'running')
    throw new Error(`job ${facts.jobId} is ${job?.state ?? 'unknown'} and cannot be claimed`)
  const now = clock.now()
  const gross = amountOf(facts.usage.inputTokens + facts.usage.outputTokens, nanoPerMtok(job.priceNano))
  books.openAccount(db, { id: incomeAccount(job.instrument), kind: 'income', currency })
  if (gross > 0)
    books.reserve(db, {
      id: `claim:${job.jobId}`,
      debit: HELD,
      credit: incomeAccount(job.instrument),
      amount: gross,
      code: 'sale',
      jobId: job.jobId,
      at: now,
      expiresAt: now + CLAIM_EXPIRY_MS,
    })
  updateJob(db, job.jobId, {
    ...measures,
    state: 'claimed',
    inputTokens: facts.usage.inputTokens,
    outputTokens: facts.usage.outputTokens,
    ttftMs: facts.timings.ttftMs,
    durationMs: facts.timings.durationMs,
    finish: facts.finish,
    endedAt: now,
    expiresAt: now + CLAIM_EXPIRY_MS,
    claimJson: canonicalJson(facts),
    claimSig,
    grossNano: gross,
  })
  outboxPut(db, { kind: CLAIM_KIND, key: job.jobId, payload: { jobId: job.jobId, claim: facts, claimSig }, at: now })
}

/** Where receipt and our own record differ; the signatures are checked apart. */
function disagreements({ key, realm }: Money, receipt: Receipt, job: SellerJobRow | null): string[] {
  const problems: string[] = []
  if (receipt.claim.supplier !== key.publicKey) problems.push('the receipt is another supplier’s')
  if (receipt.realm !== realm) problems.push(`the receipt is of the ${receipt.realm} realm`)
  if (job === null) return problems
  if (job.state === 'settled') problems.push(`job ${job.jobId} has another receipt`)
  if (job.instrument !== receipt.claim.instrument) problems.push('the instrument is not the one the job was won for')
  if (job.priceNano !== receipt.priceNanoPerMtok) problems.push('the price is not the one the job was won at')
  if (job.claimJson !== null && (job.claimJson !== canonicalJson(receipt.claim) || job.claimSig !== receipt.claimSig))
    problems.push('the claim is not the one we signed')
  return problems
}

function settle(context: Money, db: WriteDb, receipt: Receipt): void {
  const { books, currency, clock } = context
  const now = clock.now()
  // A receipt over our own signature for a job we have no row of: the database was restored from a copy.
  const job = findJob(db, receipt.claim.jobId) ?? adopt(db, receipt)
  const { jobId, instrument } = job
  const base = { jobId, at: now }
  const income = incomeAccount(instrument)
  books.openAccount(db, { id: income, kind: 'income', currency })
  const pending = job.state === 'claimed' ? (job.grossNano ?? 0) : 0
  const posts = pending > 0 && receipt.grossNano > 0 && receipt.grossNano <= pending
  if (posts) books.post(db, { id: `settle:${jobId}`, pendingId: `claim:${jobId}`, amount: receipt.grossNano, at: now })
  else if (pending > 0)
    books.void(db, {
      id: `void:${jobId}`,
      pendingId: `claim:${jobId}`,
      reason: receipt.grossNano === 0 ? 'settled at zero' : 'settled above our count',
      at: now,
    })
  if (!posts && receipt.grossNano > 0)
    books.transfer(db, {
      ...base,
      id: `settle:${jobId}`,
      debit: HELD,
      credit: income,
      amount: receipt.grossNano,
      code: 'sale',
    })
  if (receipt.feeNano > 0)
    books.transfer(db, { ...base, id: `fee:${jobId}`, debit: FEE, credit: HELD, amount: receipt.feeNano, code: 'fee' })
  const { claim: facts } = receipt
  updateJob(db, jobId, {
    state: 'settled',
    reason: '',
    inputTokens: receipt.billed.inputTokens,
    outputTokens: receipt.billed.outputTokens,
    ttftMs: facts.timings.ttftMs,
    durationMs: facts.timings.durationMs,
    finish: facts.finish,
    endedAt: job.endedAt ?? now,
    claimJson: canonicalJson(facts),
    claimSig: receipt.claimSig,
    grossNano: receipt.grossNano,
    feeNano: receipt.feeNano,
    sellerNano: receipt.sellerNano,
    releaseAt: receipt.releaseAt,
    exchange: receipt.exchange,
    receiptSeq: receipt.seq,
  })
  insertReceipt(db, receipt, receiptHash(receipt), canonicalJson(receipt))
  addSettled(db, receipt)
  outboxDone(db, { kind: CLAIM_KIND, key: jobId, at: now })
}

function adopt(db: WriteDb, { claim: facts, settledAt, priceNanoPerMtok }: Receipt): SellerJobRow {
  const startedAt = Math.max(0, settledAt - facts.timings.durationMs)
  insertJob(db, {
    jobId: facts.jobId,
    instrument: facts.instrument,
    specVersion: facts.specVersion,
    deploymentId: '',
    sha256: facts.modelSha256,
    state: 'running',
    reason: '',
    priceNano: priceNanoPerMtok,
    reserveNano: 0,
    salt: '',
    startedAt,
    endedAt: settledAt,
    expiresAt: settledAt,
  })
  return findJob(db, facts.jobId)!
}

function postRelease(
  { books, clock }: Money,
  db: WriteDb,
  release: Release,
  exchange: string,
  job: SellerJobRow,
): void {
  const { jobId } = release
  if (release.amountNano > 0)
    books.transfer(db, {
      id: `release:${jobId}`,
      debit: AVAILABLE,
      credit: HELD,
      amount: nano(release.amountNano),
      code: 'release',
      jobId,
      at: clock.now(),
    })
  insertRelease(db, exchange, release)
  updateJob(db, jobId, { releasedAt: release.at })
  addReleased(db, settledAtOf(db, jobId)!, job.instrument, release.amountNano)
}

function voidJob({ books, clock }: Money, db: WriteDb, jobId: string, reason: string): void {
  const job = findJob(db, jobId)
  if (job === null || (job.state !== 'claimed' && job.state !== 'running')) return
  const now = clock.now()
  if (job.state === 'claimed' && (job.grossNano ?? 0) > 0)
    books.void(db, { id: `void:${jobId}`, pendingId: `claim:${jobId}`, reason, at: now })
  updateJob(db, jobId, { state: 'void', reason, endedAt: job.endedAt ?? now, grossNano: null })
  outboxDone(db, { kind: CLAIM_KIND, key: jobId, at: now })
}
