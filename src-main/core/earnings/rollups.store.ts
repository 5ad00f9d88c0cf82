/**
 * Reads the hourly rollups of the realm's database, and the few open jobs whose money is not settled or released yet.
 * Never scans the job table.
 */
import type { Instrument, JobId } from '#contract/ids.ts'
import { nano, nanoFromBigInt, type Nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb } from '#db/db-types.ts'

import type { IncomeRow } from './earnings.ts'

/** Rows of one reading: 20 years of hours on one instrument, or one year on twenty. */
const ROWS_MAX = 200_000
const HELD_MAX = 1_000

interface Row {
  hour_ms: bigint
  instrument: string
  jobs: bigint
  input_tokens: bigint
  output_tokens: bigint
  gross_nano: bigint
  fee_nano: bigint
  seller_nano: bigint
  released_nano: bigint
  served_ms: bigint
}

/** Rollups of the hours that begin in [from, to), oldest first. */
export function incomeBetween(db: ReadDb, from: EpochMs, to: EpochMs): IncomeRow[] {
  const sql = `SELECT hour_ms, instrument, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms FROM rollup_hour WHERE hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms, instrument LIMIT ${ROWS_MAX}`
  return db
    .money<Row>(sql)
    .all(from, to)
    .map((row) => ({
      hourMs: Number(row.hour_ms),
      instrument: row.instrument as Instrument,
      jobs: Number(row.jobs),
      inputTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      grossNano: nanoFromBigInt(row.gross_nano),
      feeNano: nanoFromBigInt(row.fee_nano),
      sellerNano: nanoFromBigInt(row.seller_nano),
      releasedNano: nanoFromBigInt(row.released_nano),
      servedMs: Number(row.served_ms),
    }))
}

/** Billed tokens and job time settled in the hours that begin in [from, to). For the power domain. */
export function billedBetween(db: ReadDb, from: EpochMs, to: EpochMs): { tokens: number; servedMs: number } {
  return (
    db
      .prepare<{ tokens: number; servedMs: number }>(
        'SELECT coalesce(sum(input_tokens + output_tokens), 0) AS tokens, coalesce(sum(served_ms), 0) AS servedMs FROM rollup_hour WHERE hour_ms >= ? AND hour_ms < ?',
      )
      .get(from, to) ?? { tokens: 0, servedMs: 0 }
  )
}

export const listedBetween = (db: ReadDb, from: EpochMs, to: EpochMs): number =>
  db
    .prepare<{ ms: number }>(
      'SELECT coalesce(sum(listed_ms), 0) AS ms FROM listing_time WHERE hour_ms >= ? AND hour_ms < ?',
    )
    .get(from, to)?.ms ?? 0

/**
 * Claims the exchange has not answered: gross by our own count. The first condition is the partial index's own words,
 * without which SQLite does not use it.
 */
export function pendingNano(db: ReadDb): Nano {
  const sum =
    db
      .money<{ sum: bigint | null }>(
        "SELECT sum(gross_nano) AS sum FROM jobs WHERE state IN ('running', 'claimed') AND state = 'claimed'",
      )
      .get()?.sum ?? null
  return sum === null ? nano(0) : nanoFromBigInt(sum)
}

export interface HeldRow {
  jobId: JobId
  instrument: Instrument
  amountNano: Nano
  releaseAt: EpochMs
}

/**
 * Settled jobs whose money is not released, first release first, at most HELD_MAX. The first two conditions are the
 * index's own.
 */
export function heldJobs(db: ReadDb, limit: number = HELD_MAX): HeldRow[] {
  const sql =
    "SELECT job_id, instrument, seller_nano, release_at FROM jobs WHERE state = 'settled' AND released_at IS NULL AND release_at IS NOT NULL AND seller_nano > 0 ORDER BY release_at LIMIT ?"
  return db
    .money<{ job_id: string; instrument: string; seller_nano: bigint; release_at: bigint }>(sql)
    .all(limit)
    .map((row) => ({
      jobId: row.job_id as JobId,
      instrument: row.instrument as Instrument,
      amountNano: nanoFromBigInt(row.seller_nano),
      releaseAt: Number(row.release_at),
    }))
}
