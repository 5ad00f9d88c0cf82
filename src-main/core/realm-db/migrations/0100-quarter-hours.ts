/**
 * Sums by UTC quarter hour instead of by hour (decision 16): every offset in use is a multiple of 15 minutes. Income is
 * rebuilt from jobs, receipts and releases; listed time is known by hour only and split evenly. The hours are dropped
 * only when the quarters add up to them: otherwise a CHECK throws, and with it the transaction of the migration.
 */
import type { Migration } from '#db/db-types.ts'

const SUMS = 'jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms'
const SUMMED = SUMS.split(', ')
  .map((column) => `sum(${column})`)
  .join(', ')

export const quarterHoursMigration: Migration = {
  id: 100,
  name: 'quarter hours',
  up(exec) {
    exec(`
      -- jobs, tokens (as billed), gross, fee, seller and served_ms count in the quarter of the receipt's settledAt. released_nano counts in that
      -- same quarter, whenever the release came, so that per row held = seller_nano - released_nano and available = released_nano.
      -- failed counts in the quarter in which the job failed by our fault. A disputed job counts nothing. sha256 and deployment_id are the job's.
      CREATE TABLE rollup_quarter (
        quarter_ms INTEGER NOT NULL CHECK (quarter_ms % 900000 = 0),
        instrument TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        deployment_id TEXT NOT NULL,
        jobs INTEGER NOT NULL DEFAULT 0,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        gross_nano INTEGER NOT NULL DEFAULT 0,
        fee_nano INTEGER NOT NULL DEFAULT 0,
        seller_nano INTEGER NOT NULL DEFAULT 0,
        released_nano INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        served_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (quarter_ms, instrument, sha256, deployment_id),
        CHECK (gross_nano = fee_nano + seller_nano AND released_nano BETWEEN 0 AND seller_nano)
      ) STRICT, WITHOUT ROWID;

      INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, ${SUMS})
      SELECT r.settled_at - r.settled_at % 900000, j.instrument, j.sha256, j.deployment_id, count(*), sum(j.input_tokens), sum(j.output_tokens),
        sum(j.gross_nano), sum(j.fee_nano), sum(j.seller_nano), coalesce(sum(x.amount_nano), 0), sum(j.duration_ms)
      FROM receipts r JOIN jobs j ON j.job_id = r.job_id LEFT JOIN releases x ON x.job_id = r.job_id
      WHERE j.dispute IS NULL GROUP BY 1, 2, 3, 4;

      INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, failed)
      SELECT ended_at - ended_at % 900000, instrument, sha256, deployment_id, count(*) FROM jobs
      WHERE state = 'failed' AND ended_at IS NOT NULL GROUP BY 1, 2, 3, 4
      ON CONFLICT DO UPDATE SET failed = excluded.failed;

      -- listed_ms: time with at least one listing neither paused nor refused, by the owner's wish. connected_ms: the part of it in which the
      -- exchange was online. Those of hours from before this migration are a quarter of the hour each; a remainder went to the first ones.
      CREATE TABLE listing_quarter (
        quarter_ms INTEGER PRIMARY KEY CHECK (quarter_ms % 900000 = 0),
        listed_ms INTEGER NOT NULL DEFAULT 0,
        connected_ms INTEGER NOT NULL DEFAULT 0,
        CHECK (connected_ms BETWEEN 0 AND listed_ms)
      ) STRICT;

      WITH part (n) AS (VALUES (0), (1), (2), (3))
      INSERT INTO listing_quarter (quarter_ms, listed_ms, connected_ms)
      SELECT hour_ms + n * 900000, (listed_ms + 3 - n) / 4, (connected_ms + 3 - n) / 4 FROM listing_time, part;

      CREATE TEMP TABLE quarters_against_hours (
        wrong INTEGER NOT NULL,
        CONSTRAINT "the sums by quarter hour, rebuilt from jobs and receipts, differ from the sums by hour; nothing was changed: start the version before this one, run stoker ledger check, and report what it finds" CHECK (wrong = 0)
      );
      WITH hours AS (
        SELECT hour_ms, instrument, ${SUMS} FROM rollup_hour WHERE jobs <> 0 OR gross_nano <> 0 OR released_nano <> 0
      ), quarters AS (
        SELECT quarter_ms - quarter_ms % 3600000, instrument, ${SUMMED} FROM rollup_quarter GROUP BY 1, 2 HAVING sum(jobs) <> 0
      ), listed AS (
        SELECT hour_ms, listed_ms, connected_ms FROM listing_time
      ), listed_quarters AS (
        SELECT quarter_ms - quarter_ms % 3600000, sum(listed_ms), sum(connected_ms) FROM listing_quarter GROUP BY 1
      )
      INSERT INTO quarters_against_hours (wrong) VALUES
        ((SELECT count(*) FROM (SELECT * FROM hours EXCEPT SELECT * FROM quarters))),
        ((SELECT count(*) FROM (SELECT * FROM quarters EXCEPT SELECT * FROM hours))),
        ((SELECT count(*) FROM (SELECT * FROM listed EXCEPT SELECT * FROM listed_quarters))),
        ((SELECT count(*) FROM (SELECT * FROM listed_quarters EXCEPT SELECT * FROM listed))),
        -- A job that was settled after it had failed counts as failed no longer; none may be added.
        (max(0, (SELECT coalesce(sum(failed), 0) FROM rollup_quarter) - (SELECT coalesce(sum(failed), 0) FROM rollup_hour)));
      DROP TABLE quarters_against_hours;

      DROP TABLE rollup_hour;
      DROP TABLE listing_time;
    `)
  },
}
