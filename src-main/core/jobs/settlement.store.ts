/**
 * The money of a job, one transaction per step: claimed → settled → released, or void, or disputed. Every step may be
 * repeated after a crash, a resend or a duplicate without moving money twice. What a record of the exchange means is decided in
 * settlement.ts, inside the transaction that books it.
 */
import { inWords } from '#contract/errors.ts'
import { because, type Reason, storedReason, together } from '#contract/reasons.ts'
import { done as outboxDone, put as outboxPut } from '#books/outbox.ts'
import { receiptHash, receiptPrice } from '#books/receipts.ts'
import { transferId } from '#books/transfer-ids.ts'
import type { ReceiptDifference } from '#contract/jobs.ts'
import { costOf, nano } from '#contract/money.ts'
import type { Receipt, SignedClaim } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { DAY_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { WriteDb } from '#db/db-types.ts'
import { canonicalJson } from '#lib/canonical.ts'

import { differenceReason } from './differences.ts'
import {
  findJob,
  insertJob,
  insertReceipt,
  insertRelease,
  lastReceipt,
  lastReleaseSeq,
  priceOf,
  receiptAt,
  releaseAt,
  settledAtOf,
  updateJob,
  type SellerJobRow,
} from './jobs.store.ts'
import { addFailed, addReleased, addSettled, addWrittenOff } from './rollup.store.ts'
import { decideReceipt, decideRelease, receiptPosting, type BookingOutcome } from './settlement.ts'

/** A claim the exchange never answers is voided after this long; it is asked at every connection before that. */
const CLAIM_EXPIRY_MS = 7 * DAY_MS
export const CLAIM_KIND = 'claim'
/** In place of a claim and its signature: the table wants both of every settled job. */
const IN_RECEIPT = ''
export const HELD = 'asset:held'
export const AVAILABLE = 'asset:available'
export const FEE = 'expense:fee'
/** What an owner gave up, because its exchange is gone or has another history. */
export const WRITTEN_OFF = 'expense:written-off'
const incomeAccount = (instrument: string): string => `income:${instrument}`

/** Null where the engine did not say. */
interface EngineMeasures {
  enginePromptTokens: number | null
  engineCachedTokens: number | null
  engineGeneratedTokens: number | null
  tokPerS: number | null
}

export interface Settlement {
  claim(signed: SignedClaim, measures: EngineMeasures): void
  settle(receipt: Receipt, exchangeKey: string): BookingOutcome
  release(release: Release, exchange: string): BookingOutcome
  /** All of them in one commit; throws, with none of them booked, where one cannot be. */
  releaseAll(releases: readonly Release[], exchange: string): BookingOutcome[]
  /**
   * The exchange says that the buyer of a claimed job had left: it may bill less output than we sent. No effect on
   * other jobs.
   */
  buyerLeft(jobId: string): void
  /** Nothing will be paid. No effect on a job that is final. */
  voidJob(jobId: string, reason: string): void
  /**
   * Nothing will be paid: our fault, or with `ofTheRequest` nobody's. In one transaction; no effect on jobs that are not
   * running.
   */
  fail(jobs: readonly { jobId: string; reason: Reason; ofTheRequest?: boolean }[]): void
}

type SettlementDeps = Pick<VenueContext, 'realmDb' | 'books' | 'unit' | 'realm' | 'clock' | 'key'>

export function createSettlement(deps: SettlementDeps): Settlement {
  const { realmDb, clock } = deps
  openAccounts(deps)
  return {
    claim: (signed, measures) => realmDb.tx((db) => claim(deps, db, signed, measures)),
    settle: (receipt, exchangeKey) => realmDb.tx((db) => settle(deps, db, receipt, exchangeKey)),
    release: (release, exchange) => realmDb.tx((db) => releaseHeld(deps, db, release, exchange)),
    releaseAll: (releases, exchange) =>
      realmDb.tx((db) => releases.map((release) => releaseHeld(deps, db, release, exchange))),
    buyerLeft: (jobId) =>
      realmDb.tx((db) => {
        if (findJob(db, jobId)?.state === 'claimed') updateJob(db, jobId, { buyerLeftAt: clock.now() })
      }),
    voidJob: (jobId, reason) => realmDb.tx((db) => voidJob(deps, db, jobId, reason)),
    fail: (jobs) =>
      realmDb.tx((db) => {
        for (const { jobId, reason, ofTheRequest = false } of jobs) {
          const job = findJob(db, jobId)
          if (job?.state !== 'running') continue
          const state = ofTheRequest ? 'rejected' : 'failed'
          updateJob(db, jobId, { state, reason: storedReason(reason), endedAt: clock.now() })
          if (!ofTheRequest) addFailed(db, clock.now(), job)
        }
      }),
  }
}

function openAccounts({ realmDb, books, unit }: SettlementDeps): void {
  realmDb.tx((db) => {
    books.openAccount(db, { id: HELD, kind: 'asset', unit })
    books.openAccount(db, { id: AVAILABLE, kind: 'asset', unit })
    books.openAccount(db, { id: FEE, kind: 'expense', unit })
  })
}

function claim(
  { books, clock, unit }: SettlementDeps,
  db: WriteDb,
  signed: SignedClaim,
  measures: EngineMeasures,
): void {
  const { claim: facts, claimSig } = signed
  const job = findJob(db, facts.jobId)
  if (job?.state !== 'running')
    throw new Error(`job ${facts.jobId} is ${job?.state ?? 'unknown'} and cannot be claimed`)
  const now = clock.now()
  const { inputTokens, outputTokens } = facts.usage
  const gross = costOf({ input: inputTokens, cachedInput: 0, output: outputTokens }, priceOf(job))
  books.openAccount(db, { id: incomeAccount(job.instrument), kind: 'income', unit })
  if (gross > 0)
    books.reserve(db, {
      id: transferId(db, 'reserve', job.jobId),
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
  // The claim itself stands in the job until the receipt holds it: openClaims.
  outboxPut(db, { kind: CLAIM_KIND, key: job.jobId, payload: { jobId: job.jobId }, at: now })
}

function settle(deps: SettlementDeps, db: WriteDb, receipt: Receipt, exchangeKey: string): BookingOutcome {
  const { key, realm, unit, clock } = deps
  const job = findJob(db, receipt.claim.jobId)
  const chain = { exchange: receipt.exchange, supplier: key.publicKey }
  const decision = decideReceipt(
    receipt,
    { publicKey: key.publicKey, realm, unit, now: clock.now() },
    {
      exchangeKey,
      head: lastReceipt(db, chain),
      storedHash: receiptAt(db, chain, receipt.seq)?.hash ?? null,
      job,
    },
  )
  if (decision.kind === 'dispute') {
    dispute(deps, db, receipt, decision.differences)
    return { kind: 'disputed', problems: decision.differences.map((one) => inWords(differenceReason(one))) }
  }
  if (decision.kind !== 'book') return decision
  // A receipt over our own signature for a job we have no row of: the database was restored from a copy.
  bookReceipt(deps, db, receipt, job ?? adopt(db, receipt))
  return { kind: 'applied' }
}

function bookReceipt(deps: SettlementDeps, db: WriteDb, receipt: Receipt, job: SellerJobRow): void {
  const { clock } = deps
  const now = clock.now()
  const { jobId } = job
  bookBilled(deps, db, receipt, job)
  updateJob(db, jobId, {
    ...receiptFacts(receipt),
    ...tokenCounts(receipt.billed),
    state: 'settled',
    reason: '',
    endedAt: job.endedAt ?? now,
    receiptSeq: receipt.seq,
  })
  insertReceipt(db, receipt, receiptHash(receipt), canonicalJson(receipt))
  addSettled(db, receipt, job)
  outboxDone(db, { kind: CLAIM_KIND, key: jobId })
}

/**
 * The receipt takes its place in the chain; what was pending is freed, and nothing is posted. The tokens shown stay our
 * own.
 */
function dispute(
  { books, clock }: SettlementDeps,
  db: WriteDb,
  receipt: Receipt,
  differences: ReceiptDifference[],
): void {
  const now = clock.now()
  const job = findJob(db, receipt.claim.jobId) ?? adopt(db, receipt)
  const { jobId } = job
  if (job.state === 'claimed' && (job.grossNano ?? 0) > 0)
    books.void(db, {
      id: transferId(db, 'void', jobId),
      pendingId: transferId(db, 'reserve', jobId),
      reason: 'disputed',
      at: now,
    })
  updateJob(db, jobId, {
    ...receiptFacts(receipt),
    ...tokenCounts(receipt.claim.usage),
    state: 'void',
    reason: storedReason(together(differences.map(differenceReason)) ?? because('failure.unknown')),
    endedAt: job.endedAt ?? now,
    dispute: JSON.stringify(differences),
  })
  insertReceipt(db, receipt, receiptHash(receipt), canonicalJson(receipt))
  outboxDone(db, { kind: CLAIM_KIND, key: jobId })
}

/** By name: a receipt may hold fields of a stranger. */
const tokenCounts = ({
  inputTokens,
  outputTokens,
}: Receipt['billed']): Pick<SellerJobRow, 'inputTokens' | 'outputTokens'> => ({ inputTokens, outputTokens })

/** The claim stands in the receipt from now on: kept once, it is a third of a job's row. */
const receiptFacts = ({ claim, grossNano, feeNano, sellerNano, releaseAt, exchange }: Receipt) => ({
  ttftMs: claim.timings.ttftMs,
  durationMs: claim.timings.durationMs,
  finish: claim.finish,
  claimJson: IN_RECEIPT,
  claimSig: IN_RECEIPT,
  grossNano,
  feeNano,
  sellerNano,
  releaseAt,
  exchange,
})

/** The transfers of what was billed: into held money, and the fee out of it. */
export function bookBilled(
  { books, unit, clock }: Pick<SettlementDeps, 'books' | 'unit' | 'clock'>,
  db: WriteDb,
  { grossNano, feeNano }: Pick<Receipt, 'grossNano' | 'feeNano'>,
  job: SellerJobRow,
): void {
  const { jobId } = job
  const at = clock.now()
  const income = incomeAccount(job.instrument)
  books.openAccount(db, { id: income, kind: 'income', unit })
  const { post, free, transfer } = receiptPosting(job, grossNano)
  const pendingId = transferId(db, 'reserve', jobId)
  const id = transferId(db, 'post', jobId)
  if (post) books.post(db, { id, pendingId, amount: grossNano, at })
  if (free !== null) books.void(db, { id: transferId(db, 'void', jobId), pendingId, reason: free, at })
  if (transfer) books.transfer(db, { id, debit: HELD, credit: income, amount: grossNano, code: 'sale', jobId, at })
  if (feeNano > 0)
    books.transfer(db, {
      id: transferId(db, 'fee', jobId),
      debit: FEE,
      credit: HELD,
      amount: feeNano,
      code: 'fee',
      jobId,
      at,
    })
}

function adopt(db: WriteDb, receipt: Receipt): SellerJobRow {
  const { claim: facts, settledAt } = receipt
  const startedAt = Math.max(0, settledAt - facts.timings.durationMs)
  insertJob(db, {
    jobId: facts.jobId,
    instrument: facts.instrument,
    specVersion: facts.specVersion,
    deploymentId: '',
    sha256: facts.modelSha256,
    state: 'running',
    reason: '',
    price: receiptPrice(receipt),
    reserveNano: nano(0),
    salt: '',
    startedAt,
    endedAt: settledAt,
    expiresAt: settledAt,
    holdMs: null,
    feeBps: null,
  })
  return findJob(db, facts.jobId)!
}

function releaseHeld(
  { books, clock, key }: SettlementDeps,
  db: WriteDb,
  release: Release,
  exchange: string,
): BookingOutcome {
  const { jobId, amountNano } = release
  const job = findJob(db, jobId)
  const chain = { exchange, supplier: key.publicKey }
  const decision = decideRelease(release, {
    exchange,
    lastSeq: lastReleaseSeq(db, chain),
    stored: releaseAt(db, chain, release.seq),
    job,
    now: clock.now(),
  })
  if (decision.kind !== 'book') return decision
  // Of a disputed job nothing was booked, so nothing is released here; the exchange's word is kept all the same.
  const isBooked = job!.state === 'settled'
  // Written off, and it came after all.
  const wasWrittenOff = job!.writtenOffAt !== null
  if (isBooked && amountNano > 0)
    books.transfer(db, {
      id: transferId(db, 'release', jobId),
      debit: AVAILABLE,
      credit: wasWrittenOff ? WRITTEN_OFF : HELD,
      amount: amountNano,
      code: 'release',
      jobId,
      at: clock.now(),
    })
  insertRelease(db, chain, release)
  updateJob(db, jobId, { releasedAt: release.at, writtenOffAt: null })
  if (isBooked) addReleased(db, settledAtOf(db, jobId)!, job!, amountNano)
  if (wasWrittenOff) addWrittenOff(db, settledAtOf(db, jobId)!, job!, 0 - amountNano)
  return { kind: 'applied' }
}

function voidJob({ books, clock }: SettlementDeps, db: WriteDb, jobId: string, reason: string): void {
  const job = findJob(db, jobId)
  if (job === null || (job.state !== 'claimed' && job.state !== 'running')) return
  const at = clock.now()
  if (job.state === 'claimed' && (job.grossNano ?? 0) > 0)
    books.void(db, {
      id: transferId(db, 'void', jobId),
      pendingId: transferId(db, 'reserve', jobId),
      reason,
      at,
    })
  updateJob(db, jobId, { state: 'void', reason, endedAt: job.endedAt ?? at, grossNano: null })
  outboxDone(db, { kind: CLAIM_KIND, key: jobId })
}
