/** Electricity by UTC hour, kept apart by the currency its price was in: joules are summed over currencies, costs never. */
import type { Migration } from '#db/types.ts'

export const powerMigration: Migration = {
  id: 30,
  name: 'power',
  up(exec) {
    exec(`
      CREATE TABLE power_hour (
        hour_ms INTEGER NOT NULL CHECK (hour_ms % 3600000 = 0),
        currency TEXT NOT NULL,
        -- The whole machine while Stoker ran.
        joules REAL NOT NULL CHECK (joules >= 0),
        -- The part above idle that paid jobs took, by their share of the time.
        serving_joules REAL NOT NULL CHECK (serving_joules >= 0),
        -- The part of joules for which no price per kWh was known yet, and of it the serving part.
        unpriced_joules REAL NOT NULL CHECK (unpriced_joules >= 0),
        unpriced_serving_joules REAL NOT NULL CHECK (unpriced_serving_joules >= 0),
        -- Nano-units of the currency.
        cost_nano INTEGER NOT NULL CHECK (cost_nano >= 0),
        serving_cost_nano INTEGER NOT NULL CHECK (serving_cost_nano >= 0),
        covered_ms INTEGER NOT NULL CHECK (covered_ms >= 0),
        serving_ms INTEGER NOT NULL CHECK (serving_ms >= 0),
        method TEXT NOT NULL,
        PRIMARY KEY (hour_ms, currency)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
