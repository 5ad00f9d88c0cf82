/**
 * Tables of the exchange beside its books: buyers, suppliers, jobs, receipts, holds, releases, measured calls, exams.
 * No prompt or answer is ever stored.
 */
import type { Migration } from '#db/db-types.ts'

export const exchangeTables: Migration = {
  id: 30,
  name: 'exchange',
  up(exec) {
    exec(`
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE buyers (buyer_id TEXT PRIMARY KEY, name TEXT NOT NULL, practice INTEGER NOT NULL CHECK (practice IN (0, 1)), created_at INTEGER NOT NULL) STRICT;
CREATE TABLE buyer_keys (key_sha256 TEXT PRIMARY KEY, buyer_id TEXT NOT NULL REFERENCES buyers, created_at INTEGER NOT NULL) STRICT;

CREATE TABLE suppliers (
  supplier TEXT PRIMARY KEY, name TEXT NOT NULL, first_seen_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL,
  receipt_seq INTEGER NOT NULL DEFAULT 0, receipt_head TEXT NOT NULL, release_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE jobs (
  job_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, buyer_id TEXT NOT NULL REFERENCES buyers, supplier TEXT NOT NULL REFERENCES suppliers,
  instrument TEXT NOT NULL, spec_version INTEGER NOT NULL, model_sha256 TEXT NOT NULL, price INTEGER NOT NULL CHECK (price >= 0),
  input_tokens INTEGER NOT NULL, max_tokens INTEGER NOT NULL, reserve_nano INTEGER NOT NULL CHECK (reserve_nano >= 0),
  state TEXT NOT NULL CHECK (state IN ('running', 'settled', 'void')), reason TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX jobs_running ON jobs (job_id) WHERE state = 'running';

CREATE TABLE receipts (
  supplier TEXT NOT NULL REFERENCES suppliers, seq INTEGER NOT NULL, job_id TEXT NOT NULL UNIQUE REFERENCES jobs,
  gross_nano INTEGER NOT NULL, fee_nano INTEGER NOT NULL, seller_nano INTEGER NOT NULL, settled_at INTEGER NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (supplier, seq), CHECK (gross_nano = fee_nano + seller_nano)
) STRICT;
CREATE TRIGGER receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;
CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;

CREATE TABLE holds (job_id TEXT PRIMARY KEY REFERENCES jobs, supplier TEXT NOT NULL, receipt_seq INTEGER NOT NULL, amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0), release_at INTEGER NOT NULL) STRICT;
CREATE INDEX holds_due ON holds (release_at, supplier, receipt_seq);
CREATE TABLE releases (supplier TEXT NOT NULL, seq INTEGER NOT NULL, job_id TEXT NOT NULL UNIQUE REFERENCES jobs, amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0), at INTEGER NOT NULL, PRIMARY KEY (supplier, seq)) STRICT;
CREATE TRIGGER releases_no_update BEFORE UPDATE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;
CREATE TRIGGER releases_no_delete BEFORE DELETE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;

CREATE TABLE calls (
  job_id TEXT PRIMARY KEY, supplier TEXT NOT NULL, instrument TEXT NOT NULL, at INTEGER NOT NULL, outcome TEXT NOT NULL,
  ttft_ms INTEGER, tok_per_s REAL, within_ttft INTEGER, within_rate INTEGER
) STRICT;
CREATE INDEX calls_by_supplier ON calls (supplier, instrument, at);
CREATE INDEX calls_by_instrument ON calls (instrument, at);

CREATE TABLE exams (
  exam_id TEXT PRIMARY KEY, supplier TEXT NOT NULL REFERENCES suppliers, deployment_id TEXT NOT NULL, instrument TEXT NOT NULL, spec_version INTEGER NOT NULL,
  model_sha256 TEXT NOT NULL, identity TEXT NOT NULL, slots INTEGER NOT NULL, seed TEXT NOT NULL, commitment TEXT NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'cancelled', 'passed', 'not-reached', 'undecided')),
  started_at INTEGER NOT NULL, ended_at INTEGER, valid_until INTEGER, result TEXT
) STRICT;
CREATE INDEX exams_by_supplier ON exams (supplier, instrument, started_at);
CREATE TABLE exam_items (exam_id TEXT NOT NULL REFERENCES exams, position INTEGER NOT NULL, phase TEXT NOT NULL, item_id TEXT NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (exam_id, phase, item_id)) STRICT;
`)
  },
}
