/** SQL of jobs, receipts and releases. */
import { GENESIS, releaseHash } from '#books/receipts.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import type { Price } from '#contract/money.ts'
import type { Claim, Receipt, SignedClaim } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { MINUTE_MS } from '#contract/time.ts'
import { amount, defaulted, int, named, nullable, price, real, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type NewRowOf, type RowOf } from '#db/table.ts'

import type { OwnChains } from './chain-heads.ts'

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
  /** Empty, as its signature is, once the receipt holds it; jobs settled before version 0.3 have it in both places. */
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
  /** When a venue without receipts took the job, and what it said the job brings. */
  acknowledgedAt: nullable(int()),
  acknowledgedNano: nullable(amount()),
  /** When the owner gave up money that its exchange holds. */
  writtenOffAt: nullable(int()),
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
  acknowledgedAt: null,
  acknowledgedNano: null,
  claimJson: null,
  claimSig: null,
  grossNano: null,
  feeNano: null,
  sellerNano: null,
  releaseAt: null,
  releasedAt: null,
  exchange: null,
  receiptSeq: null,
  writtenOffAt: null,
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

const openJob = sellerJobs.pick('jobId', 'state', 'expiresAt', 'claimJson')
export type OpenJobRow = Pick<SellerJobRow, 'jobId' | 'state' | 'expiresAt' | 'claimJson'>

/** Jobs not final, oldest first. */
export const openJobs = (db: ReadDb, limit: number): OpenJobRow[] =>
  openJob.all(
    db,
    `SELECT ${openJob.columns} FROM jobs WHERE state IN ('running', 'claimed') ORDER BY started_at LIMIT ?`,
    limit,
  )

/** A claim that was not answered yet, as it is sent. */
export interface OpenClaim {
  /** Of its row in the outbox: counts up. */
  id: number
  payload: SignedClaim & { jobId: JobId }
}

/** Unanswered claims in the order they were made, at most `limit` behind the one with the id `after`. */
export const openClaims = (db: ReadDb, after: number, limit: number): OpenClaim[] =>
  db
    .prepare<{ id: number; jobId: JobId; claim: string; claimSig: string }>(
      `SELECT o.id, j.job_id AS jobId, j.claim_json AS claim, j.claim_sig AS claimSig FROM outbox o JOIN jobs j ON j.job_id = o.key
       WHERE o.kind = 'claim' AND o.done_at IS NULL AND o.id > ? AND j.claim_json <> '' ORDER BY o.id LIMIT ?`,
    )
    .all(after, limit)
    .map(({ id, jobId, claim, claimSig }) => ({
      id,
      payload: { jobId, claim: JSON.parse(claim) as SignedClaim['claim'], claimSig },
    }))

/** Whether another own key claimed it than this one: the exchange answers for it to that key alone. */
export const isOfOtherKey = ({ claimJson }: Pick<OpenJobRow, 'claimJson'>, publicKey: string): boolean =>
  claimJson !== null && claimJson !== '' && (JSON.parse(claimJson) as Claim).supplier !== publicKey

/** A place in the list: a job, or a time before all jobs that started then. */
export interface JobPlace {
  startedAt: number
  jobId: string | null
}

export interface ListQuery {
  /** Older than this place; null from the newest on. */
  before: JobPlace | null
  /** As far down as this place, its job included; null down to the oldest. */
  downTo: JobPlace | null
  limit: number
  state: string | null
  instrument: string | null
}

/** Jobs of one millisecond stand in the order in which they came; a place without its job is before all of them. */
const rowOf = (db: ReadDb, { jobId }: JobPlace): number =>
  (jobId === null
    ? undefined
    : db.prepare<{ row: number }>('SELECT rowid AS row FROM jobs WHERE job_id = ?').get(jobId)
  )?.row ?? 0

/** Of states on the way: the few jobs that are in them (0190-fewer-pages). */
const isOpen = (state: string | null): boolean => state === 'running' || state === 'claimed'

/** What a state's index asks for by the letter; a job on the way has no dispute. */
const stateIs = (state: string | null): string => {
  if (state === null) return ''
  return isOpen(state)
    ? `state = ? AND state IN ('running', 'claimed') AND `
    : `${STATE} = ? AND state NOT IN ('running', 'claimed') AND `
}

/** The index whose order is the list's, named because SQLite would take `jobs_by_state` for both filters together. */
const indexFor = (state: string | null, instrument: string | null): string => {
  if (isOpen(state)) return 'jobs_open'
  if (instrument === null) return state === null ? 'jobs_by_start' : 'jobs_by_state'
  return state === null ? 'jobs_by_instrument' : 'jobs_by_instrument_state'
}

/** Newest first; as many rows are read as are returned, whatever the filters (0110-flat-queries). */
export function listJobs(db: ReadDb, { before, downTo, limit, state, instrument }: ListQuery): SellerJobRow[] {
  const from = before === null ? [Number.MAX_SAFE_INTEGER, 0] : [before.startedAt, rowOf(db, before)]
  const to = downTo === null ? [-1, 0] : [downTo.startedAt, rowOf(db, downTo)]
  return seenJobs.all(
    db,
    `SELECT ${seenJobs.columns} FROM jobs INDEXED BY ${indexFor(state, instrument)}
     WHERE ${instrument === null ? '' : 'instrument = ? AND '}${stateIs(state)}started_at <= ? AND started_at >= ?
       AND (started_at, rowid) < (?, ?) AND (started_at, rowid) >= (?, ?)
     ORDER BY started_at DESC, rowid DESC LIMIT ?`,
    ...[instrument, state].filter((value) => value !== null),
    from[0],
    to[0],
    ...from,
    ...to,
    limit,
  )
}

/** Jobs whose id begins so, the last born first (ids rise with time); `before` is the id to go on from. */
export const findJobs = (db: ReadDb, idPrefix: string, before: string | null, limit: number): SellerJobRow[] =>
  seenJobs.all(
    db,
    `SELECT ${seenJobs.columns} FROM jobs WHERE job_id >= ? AND job_id < ? ORDER BY job_id DESC LIMIT ?`,
    idPrefix,
    before ?? `${idPrefix}\u{10ffff}`,
    limit,
  )

/**
 * Jobs that started in the minutes from `from` on: claimed or settled, and failed by our fault. Read from the counters
 * that triggers keep (0110-flat-queries), which reach back two days.
 */
export const countJobsSince = (db: ReadDb, from: number): { jobs: number; failed: number } =>
  db
    .prepare<{ jobs: number; failed: number }>(
      'SELECT coalesce(sum(done), 0) AS jobs, coalesce(sum(failed), 0) AS failed FROM job_minutes WHERE minute_ms >= ?',
    )
    .get(from - (from % MINUTE_MS))!

export const sellerReceipts = defineTable('receipts', {
  exchange: text(),
  /** The own key that signed the claim: numbers count per exchange and key. */
  supplier: text(),
  seq: int(),
  jobId: text(),
  /** SHA-256 of the canonical form, which the next receipt names as `prev`. */
  hash: text(),
  json: text(),
  settledAt: int(),
})
const chained = sellerReceipts.pick('exchange', 'supplier', 'seq', 'hash', 'json')
type ChainedReceipt = Pick<RowOf<typeof sellerReceipts>, 'exchange' | 'supplier' | 'seq' | 'hash' | 'json'>

/** Whose numbers: those of one exchange for one own key. */
export interface Chain {
  exchange: string
  supplier: string
}

export interface ReceiptHead {
  seq: number
  hash: string
  receipt: Receipt
}

const headOf = (row: ChainedReceipt | null): ReceiptHead | null =>
  row === null ? null : { seq: row.seq, hash: row.hash, receipt: JSON.parse(row.json) as Receipt }

export const lastReceipt = (db: ReadDb, { exchange, supplier }: Chain): ReceiptHead | null =>
  headOf(
    chained.get(
      db,
      `SELECT ${chained.columns} FROM receipts WHERE exchange = ? AND supplier = ? ORDER BY seq DESC LIMIT 1`,
      exchange,
      supplier,
    ),
  )

export const receiptAt = (db: ReadDb, { exchange, supplier }: Chain, seq: number): ReceiptHead | null =>
  headOf(
    chained.get(
      db,
      `SELECT ${chained.columns} FROM receipts WHERE exchange = ? AND supplier = ? AND seq = ?`,
      exchange,
      supplier,
      seq,
    ),
  )

export const receiptOf = (db: ReadDb, jobId: string): ReceiptHead | null =>
  headOf(chained.get(db, `SELECT ${chained.columns} FROM receipts WHERE job_id = ?`, jobId))

/** The chain that a receipt has its number in. */
export const chainOf = ({ exchange, claim }: Receipt): Chain => ({ exchange, supplier: claim.supplier })

export const insertReceipt = (db: WriteDb, receipt: Receipt, hash: string, json: string): number =>
  sellerReceipts.insert(db, {
    ...chainOf(receipt),
    seq: receipt.seq,
    jobId: receipt.claim.jobId,
    hash,
    json,
    settledAt: receipt.settledAt,
  })

/** A page of stored receipts in chain order, all chains after each other. */
export const receiptsPage = (db: ReadDb, after: Chain & { seq: number }, limit: number): ChainedReceipt[] =>
  chained.all(
    db,
    `SELECT ${chained.columns} FROM receipts WHERE (exchange, supplier, seq) > (?, ?, ?)
     ORDER BY exchange, supplier, seq LIMIT ?`,
    after.exchange,
    after.supplier,
    after.seq,
    limit,
  )

const settled = sellerReceipts.pick('settledAt')
export const settledAtOf = (db: ReadDb, jobId: string): number | null =>
  settled.get(db, `SELECT ${settled.columns} FROM receipts WHERE job_id = ?`, jobId)?.settledAt ?? null

export const sellerReleases = defineTable('releases', {
  exchange: text(),
  supplier: text(),
  seq: int(),
  jobId: text(),
  sellerNano: named('amount_nano', amount()),
  at: int(),
})
const released = sellerReleases.pick('jobId', 'sellerNano', 'at')

export const lastReleaseSeq = (db: ReadDb, { exchange, supplier }: Chain): number =>
  db
    .prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM releases WHERE exchange = ? AND supplier = ?')
    .get(exchange, supplier)?.seq ?? 0

export const releaseAt = (
  db: ReadDb,
  { exchange, supplier }: Chain,
  seq: number,
): Pick<RowOf<typeof sellerReleases>, 'jobId' | 'sellerNano' | 'at'> | null =>
  released.get(
    db,
    `SELECT ${released.columns} FROM releases WHERE exchange = ? AND supplier = ? AND seq = ?`,
    exchange,
    supplier,
    seq,
  )

/** Both chains of an exchange and key, for comparing their heads; a hash is read when it is asked for. */
export const ownChains = (db: ReadDb, chain: Chain): OwnChains => ({
  receipts: {
    seq: lastReceipt(db, chain)?.seq ?? 0,
    hashAt: (seq) => (seq === 0 ? GENESIS : (receiptAt(db, chain, seq)?.hash ?? null)),
  },
  releases: {
    seq: lastReleaseSeq(db, chain),
    hashAt(seq) {
      if (seq === 0) return GENESIS
      const row = releaseAt(db, chain, seq)
      return row === null
        ? null
        : releaseHash({ seq, jobId: brandId<JobId>(row.jobId), amountNano: row.sellerNano, at: row.at })
    },
  },
})

export const insertRelease = (db: WriteDb, chain: Chain, release: Release): number =>
  sellerReleases.insert(db, {
    exchange: chain.exchange,
    supplier: chain.supplier,
    seq: release.seq,
    jobId: release.jobId,
    sellerNano: release.amountNano,
    at: release.at,
  })

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
