/**
 * Pay without receipts: what the venue says it took (acknowledged), and its account page line by line. A line is the
 * evidence of its job in the place of a receipt, so a job settled by one has `exchange` = 'statement' and the line's
 * number as `receipt_seq`.
 */
import type { Migration } from '#db/db-types.ts'

export const statementsMigration: Migration = {
  id: 130,
  name: 'statements',
  up(exec) {
    exec(`
      ALTER TABLE jobs ADD COLUMN acknowledged_at INTEGER;
      -- What the venue said the job brings when it took it; null when it said nothing.
      ALTER TABLE jobs ADD COLUMN acknowledged_nano INTEGER CHECK (acknowledged_nano >= 0);

      CREATE TABLE statements (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        -- SHA-256 of the bytes it was read from.
        sha256 TEXT NOT NULL UNIQUE,
        lines INTEGER NOT NULL CHECK (lines >= 0)
      ) STRICT;
      CREATE TRIGGER statements_no_update BEFORE UPDATE ON statements BEGIN SELECT RAISE(ABORT, 'statements are append only'); END;
      CREATE TRIGGER statements_no_delete BEFORE DELETE ON statements BEGIN SELECT RAISE(ABORT, 'statements are append only'); END;

      CREATE TABLE statement_lines (
        line INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL UNIQUE,
        -- The statement that brought it first.
        statement INTEGER NOT NULL REFERENCES statements (seq),
        amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0),
        state TEXT NOT NULL CHECK (state IN ('accrued', 'available', 'paid', 'received')),
        at INTEGER NOT NULL,
        -- Why it does not agree with our own record; null when it does.
        difference TEXT,
        -- Of a job that is not in our books, or was not claimed: nothing of it was booked.
        booked INTEGER NOT NULL CHECK (booked IN (0, 1))
      ) STRICT;
      CREATE INDEX statement_lines_apart ON statement_lines (line) WHERE difference IS NOT NULL;
      CREATE TRIGGER statement_lines_no_delete BEFORE DELETE ON statement_lines BEGIN SELECT RAISE(ABORT, 'statement lines are kept'); END;
    `)
  },
}
