/**
 * Lists of jobs by state, grade and time read what they show and no more, whatever matches; and Home reads two counters
 * a minute instead of the jobs of the day. The state in the indices is the one that is shown: a disputed job is stored
 * as `void` (0070). Within one millisecond jobs stand in the order in which they came (rowid, which ends every index).
 */
import type { Migration } from '#db/db-types.ts'

export const flatQueriesMigration: Migration = {
  id: 110,
  name: 'flat queries',
  up(exec) {
    exec(`
      DROP INDEX jobs_by_start;
      CREATE INDEX jobs_by_start ON jobs (started_at);
      CREATE INDEX jobs_by_state ON jobs (iif(dispute IS NULL, state, 'disputed'), started_at);
      CREATE INDEX jobs_by_instrument ON jobs (instrument, started_at);
      CREATE INDEX jobs_by_instrument_state ON jobs (instrument, iif(dispute IS NULL, state, 'disputed'), started_at);

      -- No query ever used it.
      DROP INDEX IF EXISTS transfers_job;

      -- Jobs by the minute in which they started: done (claimed or settled) and failed by our fault. Only the last days are kept.
      CREATE TABLE job_minutes (
        minute_ms INTEGER PRIMARY KEY,
        done INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      INSERT INTO job_minutes (minute_ms, done, failed)
        SELECT started_at - started_at % 60000, count(*) FILTER (WHERE state IN ('claimed', 'settled')), count(*) FILTER (WHERE state = 'failed')
        FROM jobs WHERE started_at >= (SELECT max(started_at) FROM jobs) - 172800000 GROUP BY 1;

      CREATE TRIGGER job_minutes_insert AFTER INSERT ON jobs BEGIN
        DELETE FROM job_minutes WHERE minute_ms < NEW.started_at - 172800000;
        INSERT INTO job_minutes (minute_ms, done, failed)
          SELECT NEW.started_at - NEW.started_at % 60000, NEW.state IN ('claimed', 'settled'), NEW.state = 'failed'
          WHERE NEW.state IN ('claimed', 'settled', 'failed')
          ON CONFLICT (minute_ms) DO UPDATE SET done = done + excluded.done, failed = failed + excluded.failed;
      END;
      CREATE TRIGGER job_minutes_update AFTER UPDATE OF state ON jobs
      WHEN (NEW.state IN ('claimed', 'settled')) <> (OLD.state IN ('claimed', 'settled')) OR (NEW.state = 'failed') <> (OLD.state = 'failed') BEGIN
        INSERT INTO job_minutes (minute_ms, done, failed) VALUES (
          NEW.started_at - NEW.started_at % 60000,
          (NEW.state IN ('claimed', 'settled')) - (OLD.state IN ('claimed', 'settled')),
          (NEW.state = 'failed') - (OLD.state = 'failed'))
          ON CONFLICT (minute_ms) DO UPDATE SET done = done + excluded.done, failed = failed + excluded.failed;
      END;
    `)
  },
}
