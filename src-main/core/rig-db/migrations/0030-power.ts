/**
 * Electricity by UTC hour, kept apart by the currency its price was in: joules are summed over currencies, costs never.
 * Currency '' holds energy used before the owner named a price per kWh; it moves to the currency of the first price.
 */
import type { Migration } from '#db/db-types.ts'

export const powerMigration: Migration = {
  id: 30,
  name: 'power',
  up(exec) {
    exec(`
      CREATE TABLE power_hour (
        hour_ms INTEGER NOT NULL CHECK (hour_ms % 3600000 = 0),
        currency TEXT NOT NULL,
        -- The whole of what was measured or estimated while Stoker ran.
        joules REAL NOT NULL CHECK (joules >= 0),
        -- The part above idle, while at least one job ran.
        serving_joules REAL NOT NULL CHECK (serving_joules >= 0),
        -- Nano-units of the currency.
        cost_nano INTEGER NOT NULL CHECK (cost_nano >= 0),
        serving_cost_nano INTEGER NOT NULL CHECK (serving_cost_nano >= 0),
        covered_ms INTEGER NOT NULL CHECK (covered_ms >= 0),
        -- Time with at least one job, and job time: two jobs at once for a second are two seconds.
        serving_ms INTEGER NOT NULL CHECK (serving_ms >= 0),
        job_ms INTEGER NOT NULL CHECK (job_ms >= serving_ms),
        method TEXT NOT NULL,
        PRIMARY KEY (hour_ms, currency)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
