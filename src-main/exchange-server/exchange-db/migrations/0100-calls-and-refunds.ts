/**
 * Calls with a key of the buyer (MACs, no text), answers that are paid for and not known to have been handed over, and
 * what was paid back for them.
 */
import type { Migration } from '#db/db-types.ts'

export const callsAndRefunds: Migration = {
  id: 100,
  name: 'calls and refunds',
  up(exec) {
    exec(`
CREATE TABLE keyed_calls (
  key_mac TEXT PRIMARY KEY, body_mac TEXT NOT NULL, job_id TEXT NOT NULL REFERENCES jobs, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keyed_calls_at ON keyed_calls (at);

CREATE TABLE undelivered (job_id TEXT PRIMARY KEY REFERENCES jobs, settled_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE refunds (
  job_id TEXT PRIMARY KEY REFERENCES jobs, buyer_id TEXT NOT NULL REFERENCES buyers,
  amount_nano INTEGER NOT NULL CHECK (amount_nano > 0), at INTEGER NOT NULL
) STRICT;
CREATE INDEX refunds_by_buyer ON refunds (buyer_id, at);
CREATE TRIGGER refunds_no_update BEFORE UPDATE ON refunds BEGIN SELECT RAISE(ABORT, 'refunds are append only'); END;
CREATE TRIGGER refunds_no_delete BEFORE DELETE ON refunds BEGIN SELECT RAISE(ABORT, 'refunds are append only'); END;
`)
  },
}
