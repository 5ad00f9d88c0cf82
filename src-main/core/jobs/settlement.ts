/**
 * What a receipt or a release of the exchange means for our books: pure decisions over what is stored. The order of the
 * steps of a job's money is in docs/protocol.md; settlement.store.ts carries them out.
 */
import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import type { Realm } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { canonicalJson } from '#lib/canonical.ts'

import type { SellerJobRow } from './jobs.store.ts'

/**
 * `gap`: something before it is missing, ask with sync. `refused`: it does not verify, nothing was posted; `forked`
 * when we hold another record under its number.
 */
export type BookingOutcome =
  | { kind: 'applied' | 'duplicate' | 'gap' }
  | { kind: 'refused'; problems: string[]; forked?: true }

/** An outcome before anything is written: `book` becomes `applied` with the commit. */
export type Decision = { kind: 'book' } | { kind: 'duplicate' | 'gap' } | Extract<BookingOutcome, { kind: 'refused' }>

/** Whose books these are. */
export interface SellerIdentity {
  publicKey: string
  realm: Realm
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
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'book' }
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
}

export function decideRelease(release: Release, { exchange, lastSeq, stored, job }: ReleaseContext): Decision {
  if (release.seq <= lastSeq)
    return known(
      stored?.jobId === release.jobId && stored.sellerNano === release.amountNano,
      `release ${release.seq} differs from the one stored`,
    )
  if (release.seq !== lastSeq + 1 || job === null || job.state !== 'settled') return { kind: 'gap' }
  if (job.exchange !== exchange)
    return { kind: 'refused', problems: [`release ${release.seq} is of a job that another exchange settled`] }
  if (job.sellerNano !== release.amountNano || job.releasedAt !== null)
    return { kind: 'refused', problems: [`release ${release.seq} is not the held amount of its job`] }
  return { kind: 'book' }
}

const known = (same: boolean, problem: string): Decision =>
  same ? { kind: 'duplicate' } : { kind: 'refused', problems: [problem], forked: true }

/** Where receipt and our own record differ; the signatures are checked apart. */
function disagreements(receipt: Receipt, { publicKey, realm }: SellerIdentity, job: SellerJobRow | null): string[] {
  const problems: string[] = []
  if (receipt.claim.supplier !== publicKey) problems.push('the receipt is another supplier’s')
  if (receipt.realm !== realm) problems.push(`the receipt is of the ${receipt.realm} realm`)
  if (job === null) return problems
  if (job.state === 'settled') problems.push(`job ${job.jobId} has another receipt`)
  if (job.instrument !== receipt.claim.instrument) problems.push('the instrument is not the one the job was won for')
  if (job.priceNano !== receipt.priceNanoPerMtok) problems.push('the price is not the one the job was won at')
  if (job.claimJson !== null && (job.claimJson !== canonicalJson(receipt.claim) || job.claimSig !== receipt.claimSig))
    problems.push('the claim is not the one we signed')
  return problems
}

/**
 * How what a receipt bills meets what its claim reserved: `post` it from the reservation; or `free` the reservation
 * (why), and `transfer` what is billed beside it.
 */
export interface ReceiptPosting {
  post: boolean
  free: 'settled at zero' | 'settled above our count' | null
  transfer: boolean
}

export function receiptPosting(job: Pick<SellerJobRow, 'state' | 'grossNano'>, grossNano: number): ReceiptPosting {
  const reserved = job.state === 'claimed' ? (job.grossNano ?? 0) : 0
  const post = reserved > 0 && grossNano > 0 && grossNano <= reserved
  const free = reserved === 0 || post ? null : grossNano === 0 ? 'settled at zero' : 'settled above our count'
  return { post, free, transfer: !post && grossNano > 0 }
}
