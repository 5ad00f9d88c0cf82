/**
 * What was to be seen at the time and cannot be read again later: books of the market, what changed, and what we listed
 * at which ask. A strategy can only be tested on what was kept.
 */
import type { Migration } from '#db/db-types.ts'

export const recordsMigration: Migration = {
  id: 120,
  name: 'records',
  up(exec) {
    exec(`
      -- An instrument's book as it stood from one minute to another, both included: looked at once a minute, a new row where it had changed.
      CREATE TABLE book_snapshots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instrument TEXT NOT NULL,
        from_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL CHECK (until_ms >= from_ms),
        jobs_last_hour INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        -- JSON: [ask in nano-units per million tokens, suppliers, free slots, 1 where it is mine], the cheapest first.
        asks TEXT NOT NULL CHECK (json_valid(asks) AND length(asks) <= 1024),
        -- Asks beyond those kept.
        left_out INTEGER NOT NULL CHECK (left_out >= 0)
      ) STRICT;
      CREATE INDEX book_snapshots_by_instrument ON book_snapshots (instrument, from_ms);

      -- What changed: a code and its parameters, never a text of a job.
      CREATE TABLE recorded_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        topic TEXT NOT NULL CHECK (length(topic) <= 40),
        code TEXT NOT NULL CHECK (length(code) <= 60),
        params TEXT NOT NULL CHECK (json_valid(params) AND length(params) <= 1024)
      ) STRICT;

      CREATE TABLE listing_history (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        instrument TEXT NOT NULL,
        deployment_id TEXT NOT NULL,
        change TEXT NOT NULL CHECK (change IN ('listed', 're-priced', 'moved', 'paused', 'resumed', 'withdrawn')),
        ask_nano_per_mtok INTEGER NOT NULL CHECK (ask_nano_per_mtok >= 0),
        ask_cached_nano_per_mtok INTEGER NOT NULL CHECK (ask_cached_nano_per_mtok >= 0),
        ask_output_nano_per_mtok INTEGER NOT NULL CHECK (ask_output_nano_per_mtok >= 0),
        slots INTEGER NOT NULL CHECK (slots > 0),
        -- In plain words, where it was not the owner's wish.
        reason TEXT NOT NULL CHECK (length(reason) <= 400)
      ) STRICT;
      CREATE INDEX listing_history_by_instrument ON listing_history (instrument, at);
      CREATE TRIGGER listing_history_no_update BEFORE UPDATE ON listing_history BEGIN SELECT RAISE(ABORT, 'the history of listings is append only'); END;
      CREATE TRIGGER listing_history_no_delete BEFORE DELETE ON listing_history BEGIN SELECT RAISE(ABORT, 'the history of listings is append only'); END;
    `)
  },
}
