/** Jobs of buyers: one row an attempt, from routing to settled or void. */
import type { Nano, Price } from '#contract/money.ts'
import { amount, defaulted, int, named, nullable, price, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import type { SliceBounds } from '#db/row-slices.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export type BuyerJobState = 'running' | 'settled' | 'void'

export const buyerJobs = defineTable('jobs', {
  jobId: text(),
  orderId: text(),
  buyerId: text(),
  supplier: text(),
  instrument: text(),
  specVersion: int(),
  modelSha256: text(),
  /** Of input; the other two beside it. */
  inputPrice: named('price', price()),
  cachedPrice: defaulted(price()),
  outputPrice: defaulted(price()),
  inputTokens: int(),
  maxTokens: int(),
  reserveNano: amount(),
  state: text<BuyerJobState>(),
  reason: defaulted(text()),
  createdAt: int(),
  endedAt: nullable(int()),
})
export type BuyerJobRow = RowOf<typeof buyerJobs>

type PriceColumn = 'inputPrice' | 'cachedPrice' | 'outputPrice'
type RoutedRow = Omit<BuyerJobRow, PriceColumn | 'state' | 'reason' | 'endedAt'> & { price: Price }

/** A job as it is routed. */
export const insertJob = (db: WriteDb, { price: of, ...job }: RoutedRow): number =>
  buyerJobs.insert(db, {
    ...job,
    inputPrice: of.input,
    cachedPrice: of.cachedInput,
    outputPrice: of.output,
    state: 'running',
    endedAt: null,
  })

/** False when the job was not running: somebody else ended it. */
export const endJob = (
  db: WriteDb,
  jobId: string,
  state: Exclude<BuyerJobState, 'running'>,
  reason: string,
  at: number,
): boolean =>
  buyerJobs.update(db, { state, reason, endedAt: at }, `WHERE job_id = ? AND state = 'running'`, jobId) === 1

export type JobStanding = Pick<BuyerJobRow, 'state' | 'reason' | 'reserveNano'>
const standing = buyerJobs.pick('state', 'reason', 'reserveNano')

/** Null when this supplier never had the job. */
export const jobStanding = (db: ReadDb, jobId: string, supplier: string): JobStanding | null =>
  standing.get(db, `SELECT ${standing.columns} FROM jobs WHERE job_id = ? AND supplier = ?`, jobId, supplier)

const bought = buyerJobs.pick('buyerId', 'state')

/** Null when there is no such job. */
export const jobOfBuyer = (db: ReadDb, jobId: string): Pick<BuyerJobRow, 'buyerId' | 'state'> | null =>
  bought.get(db, `SELECT ${bought.columns} FROM jobs WHERE job_id = ?`, jobId)

const reserved = buyerJobs.pick('jobId', 'reserveNano')

export const runningJobs = (db: ReadDb, limit: number): { jobId: string; reserveNano: Nano }[] =>
  reserved.all(db, `SELECT ${reserved.columns} FROM jobs WHERE state = 'running' ORDER BY job_id LIMIT ?`, limit)

export const countJobs = (db: ReadDb): Record<BuyerJobState, number> => {
  const counts: Record<BuyerJobState, number> = { running: 0, settled: 0, void: 0 }
  for (const row of db
    .prepare<{ state: BuyerJobState; n: number }>('SELECT state, count(*) AS n FROM jobs GROUP BY state')
    .all())
    counts[row.state] = row.n
  return counts
}

/** Of a slice: settled jobs without a receipt, or receipts without a settled job; both must be none. */
export const unmatchedReceipts = (db: ReadDb, bounds: SliceBounds<bigint>): string[] =>
  db
    .prepare<{ job_id: string }>(
      `SELECT j.job_id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id
       WHERE j.rowid > @after AND j.rowid <= @upTo AND (j.state = 'settled') <> (r.job_id IS NOT NULL)`,
    )
    .all(bounds)
    .map((row) => row.job_id)

/** What the running jobs may still cost: all that may be set aside. */
export const reservedByJobs = (db: ReadDb): bigint =>
  db.money<{ sum: bigint | null }>(`SELECT sum(reserve_nano) AS sum FROM jobs WHERE state = 'running'`).get()?.sum ?? 0n

const terms = buyerJobs.pick('inputPrice', 'cachedPrice', 'outputPrice', 'inputTokens', 'maxTokens')

/** What a settled job was agreed at, for checking its receipt. */
export function jobTerms(
  db: ReadDb,
  jobId: string,
): (Pick<BuyerJobRow, 'inputTokens' | 'maxTokens'> & { price: Price }) | null {
  const row = terms.get(db, `SELECT ${terms.columns} FROM jobs WHERE job_id = ?`, jobId)
  if (row === null) return null
  const { inputPrice: input, cachedPrice: cachedInput, outputPrice: output, ...rest } = row
  return { ...rest, price: { input, cachedInput, output } }
}
