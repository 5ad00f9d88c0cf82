/**
 * What a receipt or a release of the exchange means for our books: pure decisions over what is stored. The order of the
 * steps of a job's money is in docs/protocol.md; settlement.store.ts carries them out.
 */
import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import type { ReceiptDifference } from '#contract/jobs.ts'
import type { Realm } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { DAY_MS } from '#contract/time.ts'
import type { Unit } from '#contract/units.ts'
import { canonicalJson } from '#lib/canonical.ts'

import { differencesOf, type KnownTerms } from './differences.ts'
import { priceOf, type SellerJobRow } from './jobs.store.ts'

/** The exchange's clock may be ahead of ours by so much: more is a wrong date, there or here. */
const CLOCK_AHEAD_MS = DAY_MS

/**
 * `gap`: something before it is missing, ask with sync. `refused`: it does not verify, nothing was stored or posted;
 * `forked` when we hold another record under its number. `disputed`: it verifies and is stored as evidence, but its
 * money is not what we counted, so nothing was posted.
 */
export type BookingOutcome =
  | { kind: 'applied' | 'duplicate' | 'gap' }
  | { kind: 'refused'; problems: string[]; forked?: true }
  | { kind: 'disputed'; problems: string[] }

/** An outcome before anything is written: `book` becomes `applied` with the commit, `dispute` becomes `disputed`. */
export type Decision =
  | { kind: 'book' }
  | { kind: 'dispute'; differences: ReceiptDifference[] }
  | { kind: 'duplicate' | 'gap' }
  | Extract<BookingOutcome, { kind: 'refused' }>

/** A release moves what a receipt decided. */
export type ReleaseDecision = Exclude<Decision, { kind: 'dispute' }>

/** Whose books these are. */
export interface SellerIdentity {
  publicKey: string
  realm: Realm
  unit: Pick<Unit, 'code' | 'scale'>
  /** Our clock. */
  now: number
}

/** What is stored that a receipt must fit. */
export interface ReceiptContext {
  /** The pinned key of the exchange. */
  exchangeKey: string
  /** The newest receipt of its chain; null before the first. */
  head: { seq: number; receipt: Receipt } | null
  /** Hash of the stored receipt under the same number; null when there is none. */
  storedHash: string | null
  /** Its job; null when we have no row of it. */
  job: SellerJobRow | null
}

export function decideReceipt(receipt: Receipt, seller: SellerIdentity, stored: ReceiptContext): Decision {
  const { head, storedHash, job, exchangeKey } = stored
  if (head !== null && receipt.seq <= head.seq)
    return known(storedHash === receiptHash(receipt), `receipt ${receipt.seq} differs from the one stored`)
  if (receipt.seq !== (head?.seq ?? 0) + 1) return { kind: 'gap' }
  const verified = verifyReceipt(receipt, { exchangeKey, prev: head?.receipt ?? null })
  const problems = [...verified.problems, ...disagreements(receipt, seller, job)]
  if (problems.length > 0) return { kind: 'refused', problems }
  const differences = differencesOf(receipt, termsOf(receipt, job))
  return differences.length > 0 ? { kind: 'dispute', differences } : { kind: 'book' }
}

/** What is stored that a release must fit. */
export interface ReleaseContext {
  /** The exchange's key that it came under. */
  exchange: string
  /** The highest number stored; 0 before the first. */
  lastSeq: number
  /** The stored release under the same number; null when there is none. */
  stored: { jobId: string; sellerNano: number } | null
  job: SellerJobRow | null
  /** Our clock. */
  now: number
}

export function decideRelease(
  release: Release,
  { exchange, lastSeq, stored, job, now }: ReleaseContext,
): ReleaseDecision {
  if (release.seq <= lastSeq)
    return known(
      stored?.jobId === release.jobId && stored.sellerNano === release.amountNano,
      `release ${release.seq} differs from the one stored`,
    )
  if (release.seq !== lastSeq + 1 || job === null || (job.state !== 'settled' && job.state !== 'disputed'))
    return { kind: 'gap' }
  if (job.exchange !== exchange)
    return { kind: 'refused', problems: [`release ${release.seq} is of a job that another exchange settled`] }
  if (job.sellerNano !== release.amountNano || job.releasedAt !== null)
    return { kind: 'refused', problems: [`release ${release.seq} is not the held amount of its job`] }
  if (isAhead(release.at, now)) return { kind: 'refused', problems: [aheadText('it was released', release.at)] }
  return { kind: 'book' }
}

const known = (same: boolean, problem: string): ReleaseDecision =>
  same ? { kind: 'duplicate' } : { kind: 'refused', problems: [problem], forked: true }

const isAhead = (at: number, now: number): boolean => at > now + CLOCK_AHEAD_MS
const aheadText = (what: string, at: number): string =>
  `${what} at ${new Date(at).toISOString()}, which is ahead of this machine’s clock: one of the two is wrong`

const termsOf = ({ claim }: Receipt, job: SellerJobRow | null): KnownTerms => ({
  price: job === null ? null : priceOf(job),
  feeBps: job?.feeBps ?? null,
  holdMs: job?.holdMs ?? null,
  buyerLeft: claim.finish === 'cancelled' || (job?.buyerLeftAt ?? null) !== null,
})

/** Why a receipt cannot be joined to our own record; signatures and money are checked apart. */
function disagreements(
  receipt: Receipt,
  { publicKey, realm, unit, now }: SellerIdentity,
  job: SellerJobRow | null,
): string[] {
  const problems: string[] = []
  if (receipt.claim.supplier !== publicKey) problems.push('the receipt is another supplier’s')
  if (receipt.realm !== realm) problems.push(`the receipt is of the ${receipt.realm} realm`)
  // Version 1 has one unit a realm, which was checked with the money.
  if (receipt.v === 2 && (receipt.unit.code !== unit.code || receipt.unit.scale !== unit.scale))
    problems.push(`the receipt is in ${receipt.unit.code} of ${receipt.unit.scale} decimals`)
  if (isAhead(receipt.settledAt, now)) problems.push(aheadText('it was settled', receipt.settledAt))
  if (job === null) return problems
  if (job.state === 'settled' || job.state === 'disputed') problems.push(`job ${job.jobId} has another receipt`)
  if (job.instrument !== receipt.claim.instrument) problems.push('the instrument is not the one the job was won for')
  // Empty where a receipt holds it already: that there is another one was said above.
  const claimed = job.claimJson === '' ? null : job.claimJson
  if (claimed !== null && claimed !== canonicalJson(receipt.claim)) problems.push('the claim is not the one we signed')
  return problems
}

/**
 * How what a receipt bills meets what its claim reserved: `post` it from the reservation, which is never smaller; or
 * `free` the reservation (why); or `transfer` it, where nothing is reserved any more.
 */
export interface ReceiptPosting {
  post: boolean
  free: 'settled at zero' | null
  transfer: boolean
}

export function receiptPosting(job: Pick<SellerJobRow, 'state' | 'grossNano'>, grossNano: number): ReceiptPosting {
  const reserved = job.state === 'claimed' ? (job.grossNano ?? 0) : 0
  const post = reserved > 0 && grossNano > 0
  return { post, free: reserved > 0 && !post ? 'settled at zero' : null, transfer: !post && grossNano > 0 }
}
