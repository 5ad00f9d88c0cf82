/** Electricity by quarter hour. */
import { nanoFromBigInt } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

import type { EnergySums, Stretch } from './power.ts'

/** Sums over some quarter hours, of one currency. */
export interface CurrencyEnergy extends EnergySums {
  currency: string
}
/** What one GPU took of that, in one currency. */
export interface GpuEnergy {
  gpu: string
  currency: string
  joules: number
  costNano: number
}
/** Currency of energy used before there was a price. */
export const UNPRICED = ''

/** Hours since the Monday before 1970, whose first day was a Thursday, in SQL; its parameter is the clock's offset. */
export const WEEK_HOUR = '((quarter_ms + ?) / 3600000 + 72) % 168'

/** Bounds on any one reading, both far beyond what a machine has. */
const CURRENCIES_MAX = 64
const GPUS_MAX = 4_096

/** Begins the method of energy that was stored by hour, before there were quarter hours (rig-db/migrations/0100). */
const SPLIT = 'estimated split: '
/** A quarter hour that holds split energy goes on saying so, whatever is added to it. */
const METHOD = `CASE WHEN method LIKE '${SPLIT}%' AND excluded.method NOT LIKE '${SPLIT}%' THEN '${SPLIT}' || excluded.method ELSE excluded.method END`
const ADDED = ['joules', 'serving_joules', 'cost_nano', 'serving_cost_nano', 'covered_ms', 'serving_ms', 'job_ms']
  .map((column) => `${column} = ${column} + excluded.${column}`)
  .join(', ')

export function addEnergy(
  db: WriteDb,
  stretch: Stretch,
  priced: { currency: string; costNano: number; servingCostNano: number },
  method: string,
): void {
  db.prepare(`
    INSERT INTO power_quarter (quarter_ms, currency, joules, serving_joules, cost_nano, serving_cost_nano, covered_ms, serving_ms, job_ms, method) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (quarter_ms, currency) DO UPDATE SET ${ADDED}, method = ${METHOD}
  `).run(
    stretch.quarterMs,
    priced.currency,
    stretch.joules,
    stretch.servingJoules,
    priced.costNano,
    priced.servingCostNano,
    stretch.ms,
    stretch.servingMs,
    stretch.jobMs,
    method,
  )
}

const GPU_ADDED =
  'joules = joules + excluded.joules, cost_nano = cost_nano + excluded.cost_nano, covered_ms = covered_ms + excluded.covered_ms'

export function addGpuEnergy(
  db: WriteDb,
  { quarterMs, gpu, joules, ms }: { quarterMs: EpochMs; gpu: string; joules: number; ms: number },
  priced: { currency: string; costNano: number },
): void {
  db.prepare(`
    INSERT INTO power_gpu_quarter (quarter_ms, currency, gpu, joules, cost_nano, covered_ms) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (quarter_ms, currency, gpu) DO UPDATE SET ${GPU_ADDED}
  `).run(quarterMs, priced.currency, gpu, joules, priced.costNano, ms)
}

/**
 * Moves the energy without a price to the first price: used before the owner said what a kWh costs, paid at it all the
 * same.
 */
export function priceUnpriced(db: WriteDb, currency: string, kwhPriceNano: number): void {
  const cost = (joules: string): string => `CAST(${joules} * ? / 3600000.0 AS INTEGER)`
  db.prepare(`
    INSERT INTO power_quarter (quarter_ms, currency, joules, serving_joules, cost_nano, serving_cost_nano, covered_ms, serving_ms, job_ms, method)
    SELECT quarter_ms, ?, joules, serving_joules, ${cost('joules')}, ${cost('serving_joules')}, covered_ms, serving_ms, job_ms, method FROM power_quarter WHERE currency = '${UNPRICED}'
    ON CONFLICT (quarter_ms, currency) DO UPDATE SET ${ADDED}
  `).run(currency, kwhPriceNano, kwhPriceNano)
  db.prepare(`DELETE FROM power_quarter WHERE currency = '${UNPRICED}'`).run()
  db.prepare(`
    INSERT INTO power_gpu_quarter (quarter_ms, currency, gpu, joules, cost_nano, covered_ms)
    SELECT quarter_ms, ?, gpu, joules, ${cost('joules')}, covered_ms FROM power_gpu_quarter WHERE currency = '${UNPRICED}'
    ON CONFLICT (quarter_ms, currency, gpu) DO UPDATE SET ${GPU_ADDED}
  `).run(currency, kwhPriceNano)
  db.prepare(`DELETE FROM power_gpu_quarter WHERE currency = '${UNPRICED}'`).run()
}

interface Row {
  currency: string
  joules: number
  serving_joules: number
  cost_nano: bigint
  serving_cost_nano: bigint
  covered_ms: bigint
  serving_ms: bigint
  job_ms: bigint
}

/** Sums of the quarter hours that begin in [from, to), one row a currency. */
export function energyBetween(db: ReadDb, from: EpochMs, to: EpochMs): CurrencyEnergy[] {
  return db
    .money<Row>(
      `SELECT currency, sum(joules) AS joules, sum(serving_joules) AS serving_joules, sum(cost_nano) AS cost_nano, sum(serving_cost_nano) AS serving_cost_nano,
         sum(covered_ms) AS covered_ms, sum(serving_ms) AS serving_ms, sum(job_ms) AS job_ms
       FROM power_quarter WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY currency ORDER BY currency LIMIT ${CURRENCIES_MAX}`,
    )
    .all(from, to)
    .map((row) => ({
      currency: row.currency,
      joules: row.joules,
      servingJoules: row.serving_joules,
      costNano: nanoFromBigInt(row.cost_nano),
      servingCostNano: nanoFromBigInt(row.serving_cost_nano),
      coveredMs: Number(row.covered_ms),
      servingMs: Number(row.serving_ms),
      jobMs: Number(row.job_ms),
    }))
}

/** How that energy was come by: at most `limit` methods, the newest first. */
export const methodsBetween = (db: ReadDb, from: EpochMs, to: EpochMs, limit: number): string[] =>
  db
    .prepare<{ method: string }>(
      'SELECT method FROM power_quarter WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY method ORDER BY max(quarter_ms) DESC, method LIMIT ?',
    )
    .all(from, to, limit)
    .map(({ method }) => method)

/** What each GPU took whose meter reads it by itself, in the quarter hours that begin in [from, to). */
export const gpuEnergyBetween = (db: ReadDb, from: EpochMs, to: EpochMs): GpuEnergy[] =>
  db
    .money<{ gpu: string; currency: string; joules: number; cost_nano: bigint }>(
      `SELECT gpu, currency, sum(joules) AS joules, sum(cost_nano) AS cost_nano FROM power_gpu_quarter WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${GPUS_MAX}`,
    )
    .all(from, to)
    .map(({ gpu, currency, joules, cost_nano }) => ({ gpu, currency, joules, costNano: nanoFromBigInt(cost_nano) }))

/** Of one hour of the week, 0 being Monday from midnight, in one currency. */
export interface HourEnergy {
  hour: number
  currency: string
  costNano: number
  coveredMs: number
  servingMs: number
}

/** Sums by the hour of the week of a clock that is `offset` ms ahead of UTC. */
export const energyByWeekHour = (
  db: ReadDb,
  { from, to, offset }: { from: EpochMs; to: EpochMs; offset: number },
): HourEnergy[] =>
  db
    .money<{ hour: bigint; currency: string; cost_nano: bigint; covered_ms: bigint; serving_ms: bigint }>(
      `SELECT ${WEEK_HOUR} AS hour, currency, sum(cost_nano) AS cost_nano, sum(covered_ms) AS covered_ms, sum(serving_ms) AS serving_ms
       FROM power_quarter WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY 1, 2 LIMIT ${168 * CURRENCIES_MAX}`,
    )
    .all(offset, from, to)
    .map((row) => ({
      hour: Number(row.hour),
      currency: row.currency,
      costNano: nanoFromBigInt(row.cost_nano),
      coveredMs: Number(row.covered_ms),
      servingMs: Number(row.serving_ms),
    }))
