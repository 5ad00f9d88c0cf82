/** SQL of jobs, receipts and releases. Integers are read as BigInt and checked on the way out. */
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

type SellerJobState = 'running' | 'claimed' | 'settled' | 'void' | 'failed' | 'rejected'

export interface SellerJobRow {
  jobId: string
  instrument: string
  specVersion: number
  deploymentId: string
  sha256: string
  state: SellerJobState
  reason: string
  priceNano: number
  reserveNano: number
  salt: string
  inputTokens: number | null
  outputTokens: number | null
  enginePromptTokens: number | null
  engineCachedTokens: number | null
  engineGeneratedTokens: number | null
  ttftMs: number | null
  durationMs: number | null
  tokPerS: number | null
  finish: 'stop' | 'length' | 'cancelled' | null
  startedAt: number
  endedAt: number | null
  expiresAt: number
  claimJson: string | null
  claimSig: string | null
  /** By our own count while claimed, as billed once settled. */
  grossNano: number | null
  feeNano: number | null
  sellerNano: number | null
  releaseAt: number | null
  releasedAt: number | null
  exchange: string | null
  receiptSeq: number | null
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const JOB_FIELDS = [
  'jobId',
  'instrument',
  'specVersion',
  'deploymentId',
  'sha256',
  'state',
  'reason',
  'priceNano',
  'reserveNano',
  'salt',
  'inputTokens',
  'outputTokens',
  'enginePromptTokens',
  'engineCachedTokens',
  'engineGeneratedTokens',
  'ttftMs',
  'durationMs',
  'tokPerS',
  'finish',
  'startedAt',
  'endedAt',
  'expiresAt',
  'claimJson',
  'claimSig',
  'grossNano',
  'feeNano',
  'sellerNano',
  'releaseAt',
  'releasedAt',
  'exchange',
  'receiptSeq',
] as const satisfies readonly (keyof SellerJobRow)[]
const COLUMNS = JOB_FIELDS.map((field) => `${snake(field)} AS ${field}`).join(', ')

/** BigInts of a row as numbers; every integer stored here is below 2^53. */
function plain<Row>(row: object): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : (value as unknown)]),
  ) as Row
}

export const findJob = (db: ReadDb, jobId: string): SellerJobRow | null => {
  const row = db.money<object>(`SELECT ${COLUMNS} FROM jobs WHERE job_id = ?`).get(jobId)
  return row === undefined ? null : plain<SellerJobRow>(row)
}

export type NewJob = Pick<
  SellerJobRow,
  | 'jobId'
  | 'instrument'
  | 'specVersion'
  | 'deploymentId'
  | 'sha256'
  | 'state'
  | 'reason'
  | 'priceNano'
  | 'reserveNano'
  | 'salt'
  | 'startedAt'
  | 'endedAt'
  | 'expiresAt'
>

export function insertJob(db: WriteDb, job: NewJob): void {
  db.prepare(
    'INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, reason, price_nano, reserve_nano, salt, started_at, ended_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(
    job.jobId,
    job.instrument,
    job.specVersion,
    job.deploymentId,
    job.sha256,
    job.state,
    job.reason,
    job.priceNano,
    job.reserveNano,
    job.salt,
    job.startedAt,
    job.endedAt,
    job.expiresAt,
  )
}

/** Changes the named columns of one job. */
export function updateJob(db: WriteDb, jobId: string, change: Partial<SellerJobRow>): void {
  const names = Object.keys(change) as (keyof SellerJobRow)[]
  db.prepare(`UPDATE jobs SET ${names.map((name) => `${snake(name)} = ?`).join(', ')} WHERE job_id = ?`).run(
    ...names.map((name) => change[name] ?? null),
    jobId,
  )
}

export const OPEN_JOBS_MAX = 100_000

/** Jobs not final, oldest first. */
export const openJobs = (
  db: ReadDb,
  limit: number,
): { jobId: string; state: 'running' | 'claimed'; expiresAt: number }[] =>
  db
    .money<object>(
      `SELECT job_id AS jobId, state, expires_at AS expiresAt FROM jobs WHERE state IN ('running', 'claimed') ORDER BY started_at LIMIT ?`,
    )
    .all(limit)
    .map((row) => plain(row))

export interface ListQuery {
  before: { startedAt: number; jobId: string } | null
  limit: number
  state: string | null
  instrument: string | null
}

export function listJobs(db: ReadDb, query: ListQuery): SellerJobRow[] {
  const before = query.before ?? { startedAt: Number.MAX_SAFE_INTEGER, jobId: '' }
  return db
    .money<object>(
      `SELECT ${COLUMNS} FROM jobs WHERE (started_at, job_id) < (?, ?) AND (? IS NULL OR state = ?) AND (? IS NULL OR instrument = ?) ORDER BY started_at DESC, job_id DESC LIMIT ?`,
    )
    .all(before.startedAt, before.jobId, query.state, query.state, query.instrument, query.instrument, query.limit)
    .map((row) => plain<SellerJobRow>(row))
}

export const countJobsSince = (db: ReadDb, from: number): { jobs: number; failed: number } =>
  db
    .prepare<{ jobs: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE state IN ('claimed', 'settled')) AS jobs, count(*) FILTER (WHERE state = 'failed') AS failed FROM jobs WHERE started_at >= ?`,
    )
    .get(from)!

export interface ReceiptHead {
  seq: number
  hash: string
  receipt: Receipt
}

export const lastReceipt = (db: ReadDb, exchange: string): ReceiptHead | null => {
  const row = db
    .prepare<{ seq: number; hash: string; json: string }>(
      'SELECT seq, hash, json FROM receipts WHERE exchange = ? ORDER BY seq DESC LIMIT 1',
    )
    .get(exchange)
  return row === undefined ? null : { seq: row.seq, hash: row.hash, receipt: JSON.parse(row.json) as Receipt }
}

export const receiptAt = (db: ReadDb, exchange: string, seq: number): ReceiptHead | null => {
  const row = db
    .prepare<{ seq: number; hash: string; json: string }>(
      'SELECT seq, hash, json FROM receipts WHERE exchange = ? AND seq = ?',
    )
    .get(exchange, seq)
  return row === undefined ? null : { seq: row.seq, hash: row.hash, receipt: JSON.parse(row.json) as Receipt }
}

export const insertReceipt = (db: WriteDb, receipt: Receipt, hash: string, json: string): void => {
  db.prepare('INSERT INTO receipts (exchange, seq, job_id, hash, json, settled_at) VALUES (?, ?, ?, ?, ?, ?)').run(
    receipt.exchange,
    receipt.seq,
    receipt.claim.jobId,
    hash,
    json,
    receipt.settledAt,
  )
}

/** A page of stored receipts in chain order, all exchanges after each other. */
export const receiptsPage = (
  db: ReadDb,
  after: { exchange: string; seq: number },
  limit: number,
): { exchange: string; seq: number; hash: string; json: string }[] =>
  db
    .prepare<{ exchange: string; seq: number; hash: string; json: string }>(
      'SELECT exchange, seq, hash, json FROM receipts WHERE (exchange, seq) > (?, ?) ORDER BY exchange, seq LIMIT ?',
    )
    .all(after.exchange, after.seq, limit)

export const settledAtOf = (db: ReadDb, jobId: string): number | null =>
  db.prepare<{ at: number }>('SELECT settled_at AS at FROM receipts WHERE job_id = ?').get(jobId)?.at ?? null

export const lastReleaseSeq = (db: ReadDb, exchange: string): number =>
  db.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM releases WHERE exchange = ?').get(exchange)?.seq ?? 0

export const releaseAt = (db: ReadDb, exchange: string, seq: number): { jobId: string; sellerNano: number } | null => {
  const row = db
    .money<object>('SELECT job_id AS jobId, amount_nano AS sellerNano FROM releases WHERE exchange = ? AND seq = ?')
    .get(exchange, seq)
  return row === undefined ? null : plain(row)
}

export const insertRelease = (db: WriteDb, exchange: string, release: Release): void => {
  db.prepare('INSERT INTO releases (exchange, seq, job_id, amount_nano, at) VALUES (?, ?, ?, ?, ?)').run(
    exchange,
    release.seq,
    release.jobId,
    release.amountNano,
    release.at,
  )
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
  const released = db.money<{ sum: bigint | null }>('SELECT sum(amount_nano) AS sum FROM releases').get()!.sum ?? 0n
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
