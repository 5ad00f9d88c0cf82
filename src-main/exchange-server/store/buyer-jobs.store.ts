/** Jobs of buyers: one row an attempt, from routing to settled or void. */
import { nanoFromBigInt, nanoPerMtok, type Nano, type NanoPerMtok } from '#contract/money.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export interface BuyerJobRow {
  jobId: string
  orderId: string
  buyerId: string
  supplier: string
  instrument: string
  specVersion: number
  modelSha256: string
  price: NanoPerMtok
  inputTokens: number
  maxTokens: number
  reserveNano: Nano
  createdAt: number
}
export type BuyerJobState = 'running' | 'settled' | 'void'

export function insertJob(db: WriteDb, job: BuyerJobRow): void {
  db.prepare(
    `INSERT INTO jobs (job_id, order_id, buyer_id, supplier, instrument, spec_version, model_sha256, price, input_tokens, max_tokens, reserve_nano, state, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?)`,
  ).run(
    job.jobId,
    job.orderId,
    job.buyerId,
    job.supplier,
    job.instrument,
    job.specVersion,
    job.modelSha256,
    job.price,
    job.inputTokens,
    job.maxTokens,
    job.reserveNano,
    job.createdAt,
  )
}

/** False when the job was not running: somebody else ended it. */
export const endJob = (
  db: WriteDb,
  jobId: string,
  state: Exclude<BuyerJobState, 'running'>,
  reason: string,
  at: number,
): boolean =>
  db
    .prepare(`UPDATE jobs SET state = ?, reason = ?, ended_at = ? WHERE job_id = ? AND state = 'running'`)
    .run(state, reason, at, jobId).changes === 1

export interface JobStanding {
  state: BuyerJobState
  reason: string
  reserveNano: Nano
}

/** Null when this supplier never had the job. */
export function jobStanding(db: ReadDb, jobId: string, supplier: string): JobStanding | null {
  const row = db
    .money<{ state: BuyerJobState; reason: string; reserve_nano: bigint }>(
      'SELECT state, reason, reserve_nano FROM jobs WHERE job_id = ? AND supplier = ?',
    )
    .get(jobId, supplier)
  return row === undefined
    ? null
    : { state: row.state, reason: row.reason, reserveNano: nanoFromBigInt(row.reserve_nano) }
}

export const runningJobs = (db: ReadDb, limit: number): { jobId: string; reserveNano: Nano }[] =>
  db
    .money<{ job_id: string; reserve_nano: bigint }>(
      `SELECT job_id, reserve_nano FROM jobs WHERE state = 'running' ORDER BY job_id LIMIT ?`,
    )
    .all(limit)
    .map((row) => ({ jobId: row.job_id, reserveNano: nanoFromBigInt(row.reserve_nano) }))

export const countJobs = (db: ReadDb): Record<BuyerJobState, number> => {
  const counts: Record<BuyerJobState, number> = { running: 0, settled: 0, void: 0 }
  for (const row of db
    .prepare<{ state: BuyerJobState; n: number }>('SELECT state, count(*) AS n FROM jobs GROUP BY state')
    .all())
    counts[row.state] = row.n
  return counts
}

/** Settled jobs without a receipt, or receipts without a settled job: both must be none. */
export const unmatchedReceipts = (db: ReadDb): string[] =>
  db
    .prepare<{ job_id: string }>(
      `SELECT job_id FROM jobs WHERE state = 'settled' AND job_id NOT IN (SELECT job_id FROM receipts)
       UNION SELECT receipts.job_id FROM receipts JOIN jobs USING (job_id) WHERE jobs.state <> 'settled' LIMIT 20`,
    )
    .all()
    .map((row) => row.job_id)

/** What the running jobs may still cost: all that may be set aside. */
export const reservedByJobs = (db: ReadDb): bigint =>
  db.money<{ sum: bigint | null }>(`SELECT sum(reserve_nano) AS sum FROM jobs WHERE state = 'running'`).get()?.sum ?? 0n

/** What a settled job was agreed at, for checking its receipt. */
export function jobTerms(
  db: ReadDb,
  jobId: string,
): { price: NanoPerMtok; inputTokens: number; maxTokens: number } | null {
  const row = db
    .money<{ price: bigint; input_tokens: bigint; max_tokens: bigint }>(
      'SELECT price, input_tokens, max_tokens FROM jobs WHERE job_id = ?',
    )
    .get(jobId)
  return row === undefined
    ? null
    : {
        price: nanoPerMtok(Number(row.price)),
        inputTokens: Number(row.input_tokens),
        maxTokens: Number(row.max_tokens),
      }
}
