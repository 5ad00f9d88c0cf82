/**
 * What charts read: sums per hour, kept in the same transactions that settle, release and fail jobs, so that a million
 * jobs cost what a thousand do. `hour_ms` is the start of a UTC hour. Sums of one realm's currency only.
 */
import type { Migration } from '#db/db-types.ts'

export const rollupsMigration: Migration = {
  id: 50,
  name: 'rollups',
  up(exec) {
    exec(`
      -- jobs, tokens (as billed), gross, fee, seller and served_ms count at the hour of the receipt's settledAt. released_nano counts at that
      -- same hour, whenever the release came, so that per row held = seller_nano - released_nano and available = released_nano.
      -- failed counts at the hour in which the job failed by our fault (engine error, crash, deadline).
      CREATE TABLE rollup_hour (
        hour_ms INTEGER NOT NULL,
        instrument TEXT NOT NULL,
        jobs INTEGER NOT NULL DEFAULT 0,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        gross_nano INTEGER NOT NULL DEFAULT 0,
        fee_nano INTEGER NOT NULL DEFAULT 0,
        seller_nano INTEGER NOT NULL DEFAULT 0,
        released_nano INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        served_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (hour_ms, instrument),
        CHECK (gross_nano = fee_nano + seller_nano AND released_nano BETWEEN 0 AND seller_nano)
      ) STRICT;

      -- listed_ms: time with at least one listing neither paused nor refused, by the owner's wish. connected_ms: the part of it in which the exchange was online.
      CREATE TABLE listing_time (
        hour_ms INTEGER PRIMARY KEY,
        listed_ms INTEGER NOT NULL DEFAULT 0,
        connected_ms INTEGER NOT NULL DEFAULT 0,
        CHECK (connected_ms BETWEEN 0 AND listed_ms)
      ) STRICT;
    `)
  },
}
