/**
 * Reads the sums by quarter hour of the realm's database, and the few open jobs whose money is not settled or released
 * yet. Never scans the job table.
 */
import type { IncomeKey } from '#contract/earnings.ts'
import { fail } from '#contract/errors.ts'
import type { Instrument, JobId } from '#contract/ids.ts'
import { nano, nanoFromBigInt, type Nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import { WEEK_HOUR } from '#core/power/index.ts'
import type { ReadDb } from '#db/db-types.ts'

/** Sums of some quarter hours and one source (an instrument, a model or a deployment). */
export interface IncomeRow {
  source: string
  jobs: number
  inputTokens: number
  outputTokens: number
  grossNano: Nano
  feeNano: Nano
  sellerNano: Nano
  releasedNano: Nano
  /** Of what was settled: given up by the owner. */
  writtenOffNano: Nano
  servedMs: number
}

/** More sources in one bucket are refused, never cut off. */
const SOURCES_MAX = 1_000
const HELD_MAX = 1_000
const COLUMNS: Readonly<Record<IncomeKey, string>> = {
  instrument: 'instrument',
  model: 'sha256',
  deployment: 'deployment_id',
}

/** Of these sources alone; its parameter is a JSON list. */
const filterBy = (by: IncomeKey, only: readonly string[] | undefined): string =>
  only === undefined ? '' : `AND ${COLUMNS[by]} IN (SELECT value FROM json_each(?))`

interface Row {
  source: string
  jobs: bigint
  input_tokens: bigint
  output_tokens: bigint
  gross_nano: bigint
  fee_nano: bigint
  seller_nano: bigint
  released_nano: bigint
  written_off_nano: bigint
  served_ms: bigint
}

/**
 * Income of the quarter hours that begin in [from, to), in the order of the sources; those with failures alone are left
 * out. Error: BAD_REQUEST for more than SOURCES_MAX.
 */
export function incomeBetween(
  db: ReadDb,
  from: EpochMs,
  to: EpochMs,
  { by, only }: { by: IncomeKey; only?: readonly string[] | undefined },
): IncomeRow[] {
  const sql = `SELECT ${COLUMNS[by]} AS source, sum(jobs) AS jobs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
      sum(gross_nano) AS gross_nano, sum(fee_nano) AS fee_nano, sum(seller_nano) AS seller_nano, sum(released_nano) AS released_nano, sum(written_off_nano) AS written_off_nano, sum(served_ms) AS served_ms
    FROM rollup_quarter WHERE quarter_ms >= ? AND quarter_ms < ? ${filterBy(by, only)} GROUP BY 1 HAVING sum(jobs) <> 0 OR sum(gross_nano) <> 0 ORDER BY 1 LIMIT ${SOURCES_MAX + 1}`
  const rows = db.money<Row>(sql).all(from, to, ...(only === undefined ? [] : [JSON.stringify(only)]))
  if (rows.length > SOURCES_MAX) throw fail('range.tooManySources', { max: SOURCES_MAX, by }, { data: { by } })
  return rows.map((row) => ({
    source: row.source,
    jobs: Number(row.jobs),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    grossNano: nanoFromBigInt(row.gross_nano),
    feeNano: nanoFromBigInt(row.fee_nano),
    sellerNano: nanoFromBigInt(row.seller_nano),
    releasedNano: nanoFromBigInt(row.released_nano),
    writtenOffNano: nanoFromBigInt(row.written_off_nano),
    servedMs: Number(row.served_ms),
  }))
}

/** Billed tokens and job time settled in the quarter hours that begin in [from, to). For the power domain. */
export function billedBetween(db: ReadDb, from: EpochMs, to: EpochMs): { tokens: number; servedMs: number } {
  return (
    db
      .prepare<{ tokens: number; servedMs: number }>(
        'SELECT coalesce(sum(input_tokens + output_tokens), 0) AS tokens, coalesce(sum(served_ms), 0) AS servedMs FROM rollup_quarter WHERE quarter_ms >= ? AND quarter_ms < ?',
      )
      .get(from, to) ?? { tokens: 0, servedMs: 0 }
  )
}

/** Jobs settled, and jobs failed by our fault, in the quarter hours that begin in [from, to). */
export const jobsBetween = (db: ReadDb, from: EpochMs, to: EpochMs): { jobs: number; failed: number } =>
  db
    .prepare<{ jobs: number; failed: number }>(
      'SELECT coalesce(sum(jobs), 0) AS jobs, coalesce(sum(failed), 0) AS failed FROM rollup_quarter WHERE quarter_ms >= ? AND quarter_ms < ?',
    )
    .get(from, to)!

export const listedBetween = (db: ReadDb, from: EpochMs, to: EpochMs): number =>
  db
    .prepare<{ ms: number }>(
      'SELECT coalesce(sum(listed_ms), 0) AS ms FROM listing_quarter WHERE quarter_ms >= ? AND quarter_ms < ?',
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
 * Settled jobs whose money is not released, first release first, at most HELD_MAX. The first three conditions are
 * the index's own.
 */
export function heldJobs(db: ReadDb, limit: number = HELD_MAX): HeldRow[] {
  const sql =
    "SELECT job_id, instrument, seller_nano, release_at FROM jobs WHERE state = 'settled' AND released_at IS NULL AND written_off_at IS NULL AND release_at IS NOT NULL AND seller_nano > 0 ORDER BY release_at LIMIT ?"
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

/** When each source had its first quarter hour, of those that begin at or after `from`. */
export const firstQuarters = (db: ReadDb, by: IncomeKey, from: EpochMs): { source: string; first: EpochMs }[] =>
  db
    .prepare<{ source: string; first: EpochMs }>(
      `SELECT ${COLUMNS[by]} AS source, min(quarter_ms) AS first FROM rollup_quarter WHERE quarter_ms >= ? GROUP BY 1 ORDER BY 2, 1 LIMIT ${SOURCES_MAX}`,
    )
    .all(from)

const EARNED = 'coalesce(sum(gross_nano - fee_nano - written_off_nano), 0)'

/** Gross less fee and what was written off, of the quarter hours that begin in [from, to). */
export const earnedBetween = (db: ReadDb, from: EpochMs, to: EpochMs): Nano =>
  nanoFromBigInt(
    db
      .money<{ earned: bigint }>(
        `SELECT ${EARNED} AS earned FROM rollup_quarter WHERE quarter_ms >= ? AND quarter_ms < ?`,
      )
      .get(from, to)!.earned,
  )

/** The first quarter hour with a sum, at or after `from`. */
export const firstQuarter = (db: ReadDb, from: EpochMs): EpochMs | null =>
  db
    .prepare<{ first: EpochMs | null }>('SELECT min(quarter_ms) AS first FROM rollup_quarter WHERE quarter_ms >= ?')
    .get(from)?.first ?? null

/** What is held of all that was ever settled. */
export const heldNano = (db: ReadDb): Nano =>
  nanoFromBigInt(
    db
      .money<{ held: bigint }>(
        'SELECT coalesce(sum(seller_nano - released_nano - written_off_nano), 0) AS held FROM rollup_quarter',
      )
      .get()!.held,
  )

interface Stretch {
  from: EpochMs
  to: EpochMs
  /** How far its clock is ahead of UTC, in ms. */
  offset: number
}

/** Income by the hour of the week of such a clock, 0 being Monday from midnight. */
export const incomeByWeekHour = (
  db: ReadDb,
  { from, to, offset }: Stretch,
  { by, only }: { by: IncomeKey; only?: readonly string[] | undefined },
): { hour: number; earnedNano: Nano; servedMs: number }[] =>
  db
    .money<{ hour: bigint; earned: bigint; served_ms: bigint }>(
      `SELECT ${WEEK_HOUR} AS hour, ${EARNED} AS earned, sum(served_ms) AS served_ms FROM rollup_quarter
       WHERE quarter_ms >= ? AND quarter_ms < ? ${filterBy(by, only)} GROUP BY 1`,
    )
    .all(offset, from, to, ...(only === undefined ? [] : [JSON.stringify(only)]))
    .map((row) => ({
      hour: Number(row.hour),
      earnedNano: nanoFromBigInt(row.earned),
      servedMs: Number(row.served_ms),
    }))

export const listedByWeekHour = (db: ReadDb, { from, to, offset }: Stretch): { hour: number; ms: number }[] =>
  db
    .prepare<{ hour: number; ms: number }>(
      `SELECT ${WEEK_HOUR} AS hour, sum(listed_ms) AS ms FROM listing_quarter WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY 1`,
    )
    .all(offset, from, to)
