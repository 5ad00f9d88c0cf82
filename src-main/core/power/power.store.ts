/** Electricity by hour. */
import { nanoFromBigInt } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

import type { EnergySums, Stretch } from './power.ts'

export interface HourRow extends EnergySums {
  hourMs: EpochMs
  currency: string
  method: string
}
/** Currency of energy used before there was a price. */
export const UNPRICED = ''

/** Ten years of hours: a bound on any one reading. */
const HOURS_MAX = 87_660

export function addEnergy(
  db: WriteDb,
  stretch: Stretch,
  priced: { currency: string; costNano: number; servingCostNano: number },
  method: string,
): void {
  db.prepare(`
    INSERT INTO power_hour (hour_ms, currency, joules, serving_joules, cost_nano, serving_cost_nano, covered_ms, serving_ms, job_ms, method) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (hour_ms, currency) DO UPDATE SET joules = joules + excluded.joules, serving_joules = serving_joules + excluded.serving_joules, cost_nano = cost_nano + excluded.cost_nano,
      serving_cost_nano = serving_cost_nano + excluded.serving_cost_nano, covered_ms = covered_ms + excluded.covered_ms, serving_ms = serving_ms + excluded.serving_ms, job_ms = job_ms + excluded.job_ms, method = excluded.method
  `).run(
    stretch.hourMs,
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

/**
 * Moves the energy without a price to the first price: used before the owner said what a kWh costs, paid at it all the
 * same.
 */
export function priceUnpriced(db: WriteDb, currency: string, kwhPriceNano: number): void {
  const cost = (joules: string): string => `CAST(${joules} * ? / 3600000.0 AS INTEGER)`
  db.prepare(`
    INSERT INTO power_hour (hour_ms, currency, joules, serving_joules, cost_nano, serving_cost_nano, covered_ms, serving_ms, job_ms, method)
    SELECT hour_ms, ?, joules, serving_joules, ${cost('joules')}, ${cost('serving_joules')}, covered_ms, serving_ms, job_ms, method FROM power_hour WHERE currency = '${UNPRICED}'
    ON CONFLICT (hour_ms, currency) DO UPDATE SET joules = joules + excluded.joules, serving_joules = serving_joules + excluded.serving_joules, cost_nano = cost_nano + excluded.cost_nano,
      serving_cost_nano = serving_cost_nano + excluded.serving_cost_nano, covered_ms = covered_ms + excluded.covered_ms, serving_ms = serving_ms + excluded.serving_ms, job_ms = job_ms + excluded.job_ms
  `).run(currency, kwhPriceNano, kwhPriceNano)
  db.prepare(`DELETE FROM power_hour WHERE currency = '${UNPRICED}'`).run()
}

interface Row {
  hour_ms: bigint
  currency: string
  joules: number
  serving_joules: number
  cost_nano: bigint
  serving_cost_nano: bigint
  covered_ms: bigint
  serving_ms: bigint
  job_ms: bigint
  method: string
}

/** Rows of the hours that begin in [from, to), oldest first. */
export function energyBetween(db: ReadDb, from: EpochMs, to: EpochMs): HourRow[] {
  return db
    .money<Row>(
      `SELECT * FROM power_hour WHERE hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms, currency LIMIT ${HOURS_MAX}`,
    )
    .all(from, to)
    .map((row) => ({
      hourMs: Number(row.hour_ms),
      currency: row.currency,
      joules: row.joules,
      servingJoules: row.serving_joules,
      costNano: nanoFromBigInt(row.cost_nano),
      servingCostNano: nanoFromBigInt(row.serving_cost_nano),
      coveredMs: Number(row.covered_ms),
      servingMs: Number(row.serving_ms),
      jobMs: Number(row.job_ms),
      method: row.method,
    }))
}
