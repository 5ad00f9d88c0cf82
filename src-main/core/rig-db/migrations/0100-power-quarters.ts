/**
 * Electricity by UTC quarter hour instead of by hour (decision 16). What was stored by hour is split evenly, and its
 * method says *estimated split*. The hours are dropped only when the quarters add up to them: otherwise a CHECK throws.
 */
import type { Migration } from '#db/db-types.ts'

const WHOLE = ['cost_nano', 'serving_cost_nano', 'covered_ms', 'serving_ms', 'job_ms']
/** Four parts of a whole number that sum to it; a larger number never has a smaller part. */
const PARTS = WHOLE.map((column) => `(${column} + 3 - n) / 4`).join(', ')
const SUMMED = WHOLE.map((column) => `sum(${column})`).join(', ')

export const powerQuartersMigration: Migration = {
  id: 100,
  name: 'power quarters',
  up(exec) {
    exec(`
      -- Kept apart by the currency its price was in, as power_hour was: '' holds energy used before the owner named a price.
      CREATE TABLE power_quarter (
        quarter_ms INTEGER NOT NULL CHECK (quarter_ms % 900000 = 0),
        currency TEXT NOT NULL,
        -- The whole machine, as far as it was measured or estimated while Stoker ran.
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
        PRIMARY KEY (quarter_ms, currency)
      ) STRICT, WITHOUT ROWID;

      -- Of that whole: what each GPU took whose meter reads it by itself. Nothing of the time before, and nothing where a meter gives only a sum.
      CREATE TABLE power_gpu_quarter (
        quarter_ms INTEGER NOT NULL CHECK (quarter_ms % 900000 = 0),
        currency TEXT NOT NULL,
        -- As its driver names it for good, for example GPU-… of NVIDIA.
        gpu TEXT NOT NULL CHECK (gpu <> ''),
        joules REAL NOT NULL CHECK (joules >= 0),
        cost_nano INTEGER NOT NULL CHECK (cost_nano >= 0),
        covered_ms INTEGER NOT NULL CHECK (covered_ms >= 0),
        PRIMARY KEY (quarter_ms, currency, gpu)
      ) STRICT, WITHOUT ROWID;

      WITH part (n) AS (VALUES (0), (1), (2), (3))
      INSERT INTO power_quarter (quarter_ms, currency, joules, serving_joules, ${WHOLE.join(', ')}, method)
      SELECT hour_ms + n * 900000, currency, joules / 4, serving_joules / 4, ${PARTS}, 'estimated split: ' || method FROM power_hour, part;

      CREATE TEMP TABLE quarters_against_hours (
        wrong INTEGER NOT NULL,
        CONSTRAINT "the electricity by quarter hour differs from that by hour; nothing was changed: start the version before this one, and report this" CHECK (wrong = 0)
      );
      WITH hours AS (
        SELECT hour_ms, currency, ${WHOLE.join(', ')} FROM power_hour
      ), quarters AS (
        SELECT quarter_ms - quarter_ms % 3600000, currency, ${SUMMED} FROM power_quarter GROUP BY 1, 2
      ), energy (before, after) AS (
        SELECT (SELECT total(joules) + total(serving_joules) FROM power_hour), (SELECT total(joules) + total(serving_joules) FROM power_quarter)
      )
      INSERT INTO quarters_against_hours (wrong) VALUES
        ((SELECT count(*) FROM (SELECT * FROM hours EXCEPT SELECT * FROM quarters))),
        ((SELECT count(*) FROM (SELECT * FROM quarters EXCEPT SELECT * FROM hours))),
        -- Quarters of a float are exact, their sum need not be.
        ((SELECT abs(after - before) > 1e-9 * before + 1e-9 FROM energy));
      DROP TABLE quarters_against_hours;
      DROP TABLE power_hour;
    `)
  },
}
