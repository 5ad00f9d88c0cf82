/** SQL of jobs, receipts and releases. */
import type { Price } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { amount, defaulted, int, named, nullable, price, real, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type NewRowOf, type RowOf } from '#db/table.ts'

/** A disputed job is stored as `void` with a `dispute` (realm-db/migrations/0070-disputes.ts). */
type SellerJobState = 'running' | 'claimed' | 'settled' | 'disputed' | 'void' | 'failed' | 'rejected'

export const sellerJobs = defineTable('jobs', {
  jobId: text(),
  instrument: text(),
  specVersion: int(),
  deploymentId: text(),
  sha256: text(),
  state: text<SellerJobState>(),
  reason: defaulted(text()),
  /** Of input; the other two beside it. */
  priceNano: price(),
  cachedPriceNano: defaulted(price()),
  outputPriceNano: defaulted(price()),
  reserveNano: amount(),
  salt: text(),
  inputTokens: nullable(int()),
  outputTokens: nullable(int()),
  enginePromptTokens: nullable(int()),
  engineCachedTokens: nullable(int()),
  engineGeneratedTokens: nullable(int()),
  ttftMs: nullable(int()),
  durationMs: nullable(int()),
  tokPerS: nullable(real()),
  finish: nullable(text<'stop' | 'length' | 'cancelled'>()),
  startedAt: int(),
  endedAt: nullable(int()),
  expiresAt: int(),
  claimJson: nullable(text()),
  claimSig: nullable(text()),
  /** By our own count while claimed, as billed once settled, as the exchange says when disputed. */
  grossNano: nullable(amount()),
  feeNano: nullable(amount()),
  sellerNano: nullable(amount()),
  releaseAt: nullable(int()),
  releasedAt: nullable(int()),
  exchange: nullable(text()),
  receiptSeq: nullable(int()),
  /** The terms the exchange stated when the job was won; null for jobs from before they were kept. */
  holdMs: nullable(int()),
  feeBps: nullable(int()),
  /** When we heard, after our claim, that the buyer had left. */
  buyerLeftAt: nullable(int()),
  /** JSON of ReceiptDifference[]. */
  dispute: nullable(text()),
})
const STATE = `iif(dispute IS NULL, state, 'disputed')`
/** A job as it is read: with the state that its dispute gives it, and the receipt that is disputed. */
const seenJobs = sellerJobs.by({
  state: STATE,
  receiptSeq: 'iif(dispute IS NULL, receipt_seq, (SELECT seq FROM receipts WHERE receipts.job_id = jobs.job_id))',
})
export type SellerJobRow = RowOf<typeof sellerJobs>

export const findJob = (db: ReadDb, jobId: string): SellerJobRow | null =>
  seenJobs.get(db, `SELECT ${seenJobs.columns} FROM jobs WHERE job_id = ?`, jobId)

/** What only a claim or a receipt brings. */
const NOT_YET = {
  inputTokens: null,
  outputTokens: null,
  enginePromptTokens: null,
  engineCachedTokens: null,
  engineGeneratedTokens: null,
  ttftMs: null,
  durationMs: null,
  tokPerS: null,
  finish: null,
  buyerLeftAt: null,
  dispute: null,
  claimJson: null,
  claimSig: null,
  grossNano: null,
  feeNano: null,
  sellerNano: null,
  releaseAt: null,
  releasedAt: null,
  exchange: null,
  receiptSeq: null,
} as const satisfies Partial<SellerJobRow>

type PriceColumns = Pick<SellerJobRow, 'priceNano' | 'cachedPriceNano' | 'outputPriceNano'>

/** The price a job was won at. */
export const priceOf = (row: PriceColumns): Price => ({
  input: row.priceNano,
  cachedInput: row.cachedPriceNano,
  output: row.outputPriceNano,
})

/** A job as it arrives. */
export type NewJob = Omit<NewRowOf<typeof sellerJobs>, keyof typeof NOT_YET | keyof PriceColumns> & { price: Price }

export const insertJob = (db: WriteDb, { price: { input, cachedInput, output }, ...job }: NewJob): number =>
  sellerJobs.insert(db, {
    ...NOT_YET,
    ...job,
    priceNano: input,
    cachedPriceNano: cachedInput,
    outputPriceNano: output,
  })

/** Changes the named columns of one job. A disputed one is written as `state: 'void'` with its `dispute`. */
export const updateJob = (db: WriteDb, jobId: string, change: Partial<SellerJobRow>): number =>
  sellerJobs.update(db, change, 'WHERE job_id = ?', jobId)

export const OPEN_JOBS_MAX = 100_000

const openJob = sellerJobs.pick('jobId', 'state', 'expiresAt')

/** Jobs not final, oldest first. */
export const openJobs = (db: ReadDb, limit: number): { jobId: string; state: SellerJobState; expiresAt: number }[] =>
  openJob.all(
    db,
    `SELECT ${openJob.columns} FROM jobs WHERE state IN ('running', 'claimed') ORDER BY started_at LIMIT ?`,
    limit,
  )

export interface ListQuery {
  before: { startedAt: number; jobId: string } | null
  limit: number
  state: string | null
  instrument: string | null
}

/** Newest first. */
export function listJobs(db: ReadDb, { before, limit, state, instrument }: ListQuery): SellerJobRow[] {
  const from = before ?? { startedAt: Number.MAX_SAFE_INTEGER, jobId: '' }
  return seenJobs.all(
    db,
    `SELECT ${seenJobs.columns} FROM jobs
     WHERE (started_at, job_id) < (?, ?) AND (? IS NULL OR ${STATE} = ?) AND (? IS NULL OR instrument = ?)
     ORDER BY started_at DESC, job_id DESC LIMIT ?`,
    from.startedAt,
    from.jobId,
    state,
    state,
    instrument,
    instrument,
    limit,
  )
}

export const countJobsSince = (db: ReadDb, from: number): { jobs: number; failed: number } =>
  db
    .prepare<{ jobs: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE state IN ('claimed', 'settled')) AS jobs, count(*) FILTER (WHERE state = 'failed') AS failed FROM jobs WHERE started_at >= ?`,
    )
    .get(from)!

export const sellerReceipts = defineTable('receipts', {
  exchange: text(),
  seq: int(),
  jobId: text(),
  /** SHA-256 of the canonical form, which the next receipt names as `prev`. */
  hash: text(),
  json: text(),
  settledAt: int(),
})
const chained = sellerReceipts.pick('exchange', 'seq', 'hash', 'json')
type ChainedReceipt = Pick<RowOf<typeof sellerReceipts>, 'exchange' | 'seq' | 'hash' | 'json'>

export interface ReceiptHead {
  seq: number
  hash: string
  receipt: Receipt
}

const headOf = (row: ChainedReceipt | null): ReceiptHead | null =>
  row === null ? null : { seq: row.seq, hash: row.hash, receipt: JSON.parse(row.json) as Receipt }

export const lastReceipt = (db: ReadDb, exchange: string): ReceiptHead | null =>
  headOf(
    chained.get(db, `SELECT ${chained.columns} FROM receipts WHERE exchange = ? ORDER BY seq DESC LIMIT 1`, exchange),
  )

export const receiptAt = (db: ReadDb, exchange: string, seq: number): ReceiptHead | null =>
  headOf(chained.get(db, `SELECT ${chained.columns} FROM receipts WHERE exchange = ? AND seq = ?`, exchange, seq))

export const insertReceipt = (db: WriteDb, receipt: Receipt, hash: string, json: string): number =>
  sellerReceipts.insert(db, {
    exchange: receipt.exchange,
    seq: receipt.seq,
    jobId: receipt.claim.jobId,
    hash,
    json,
    settledAt: receipt.settledAt,
  })

/** A page of stored receipts in chain order, all exchanges after each other. */
export const receiptsPage = (db: ReadDb, after: { exchange: string; seq: number }, limit: number): ChainedReceipt[] =>
  chained.all(
    db,
    `SELECT ${chained.columns} FROM receipts WHERE (exchange, seq) > (?, ?) ORDER BY exchange, seq LIMIT ?`,
    after.exchange,
    after.seq,
    limit,
  )

const settled = sellerReceipts.pick('settledAt')
export const settledAtOf = (db: ReadDb, jobId: string): number | null =>
  settled.get(db, `SELECT ${settled.columns} FROM receipts WHERE job_id = ?`, jobId)?.settledAt ?? null

export const sellerReleases = defineTable('releases', {
  exchange: text(),
  seq: int(),
  jobId: text(),
  sellerNano: named('amount_nano', amount()),
  at: int(),
})
const released = sellerReleases.pick('jobId', 'sellerNano')

export const lastReleaseSeq = (db: ReadDb, exchange: string): number =>
  db.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM releases WHERE exchange = ?').get(exchange)?.seq ?? 0

export const releaseAt = (db: ReadDb, exchange: string, seq: number): { jobId: string; sellerNano: number } | null =>
  released.get(db, `SELECT ${released.columns} FROM releases WHERE exchange = ? AND seq = ?`, exchange, seq)

export const insertRelease = (db: WriteDb, exchange: string, release: Release): number =>
  sellerReleases.insert(db, {
    exchange,
    seq: release.seq,
    jobId: release.jobId,
    sellerNano: release.amountNano,
    at: release.at,
  })

const DISPUTED_JOBS = 'SELECT job_id FROM jobs WHERE dispute IS NOT NULL'

/** The disputed jobs that ended last, and how many there are in all. */
export function disputedJobs(
  db: ReadDb,
  limit: number,
): { latest: { jobId: string; receiptSeq: number; dispute: string }[]; count: number } {
  const latest = db
    .prepare<{ jobId: string; receiptSeq: number; dispute: string }>(
      'SELECT j.job_id AS jobId, r.seq AS receiptSeq, j.dispute FROM jobs j JOIN receipts r ON r.job_id = j.job_id WHERE j.dispute IS NOT NULL ORDER BY j.ended_at DESC LIMIT ?',
    )
    .all(limit)
  const count = db.prepare<{ n: number }>('SELECT count(*) AS n FROM jobs WHERE dispute IS NOT NULL').get()!.n
  return { latest, count }
}

/** Sums for the check: what receipts, releases and claims say, against the accounts. */
export function moneySums(db: ReadDb): {
  gross: bigint
  fee: bigint
  seller: bigint
  released: bigint
  pending: bigint
  receipts: number
} {
  const settled = db
    .money<{ gross: bigint | null; fee: bigint | null; seller: bigint | null; n: bigint }>(
      `SELECT sum(gross_nano) AS gross, sum(fee_nano) AS fee, sum(seller_nano) AS seller, count(*) AS n FROM jobs WHERE state = 'settled'`,
    )
    .get()!
  const released =
    db
      .money<{ sum: bigint | null }>(
        `SELECT sum(amount_nano) AS sum FROM releases WHERE job_id NOT IN (${DISPUTED_JOBS})`,
      )
      .get()!.sum ?? 0n
  const pending =
    db.money<{ sum: bigint | null }>(`SELECT sum(gross_nano) AS sum FROM jobs WHERE state = 'claimed'`).get()!.sum ?? 0n
  return {
    gross: settled.gross ?? 0n,
    fee: settled.fee ?? 0n,
    seller: settled.seller ?? 0n,
    released,
    pending,
    receipts: Number(settled.n),
  }
}
