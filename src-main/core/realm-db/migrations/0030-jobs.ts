/**
 * Jobs, receipts and releases of one realm. Prompts and answers are never stored: a job keeps counts, timings, money
 * and HMACs.
 */
import type { Migration } from '#db/db-types.ts'

export const jobsMigration: Migration = {
  id: 30,
  name: 'jobs',
  up(exec) {
    exec(`
      CREATE TABLE jobs (
        job_id TEXT PRIMARY KEY,
        instrument TEXT NOT NULL,
        spec_version INTEGER NOT NULL,
        deployment_id TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'claimed', 'settled', 'void', 'failed', 'rejected')),
        reason TEXT NOT NULL DEFAULT '',
        price_nano INTEGER NOT NULL CHECK (price_nano >= 0),
        reserve_nano INTEGER NOT NULL CHECK (reserve_nano >= 0),
        salt TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        engine_prompt_tokens INTEGER,
        engine_cached_tokens INTEGER,
        engine_generated_tokens INTEGER,
        ttft_ms INTEGER,
        duration_ms INTEGER,
        tok_per_s REAL,
        finish TEXT CHECK (finish IN ('stop', 'length', 'cancelled')),
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        -- Our clock; a claim unanswered by then is voided when the exchange does not know the job either.
        expires_at INTEGER NOT NULL,
        claim_json TEXT,
        claim_sig TEXT,
        gross_nano INTEGER,
        fee_nano INTEGER,
        seller_nano INTEGER,
        release_at INTEGER,
        released_at INTEGER,
        exchange TEXT,
        receipt_seq INTEGER,
        CHECK ((state IN ('claimed', 'settled')) <= (claim_json IS NOT NULL AND claim_sig IS NOT NULL)),
        CHECK ((state = 'settled') = (receipt_seq IS NOT NULL))
      ) STRICT;
      CREATE INDEX jobs_by_start ON jobs (started_at DESC, job_id DESC);
      CREATE INDEX jobs_open ON jobs (state) WHERE state IN ('running', 'claimed');
      CREATE INDEX jobs_held ON jobs (release_at) WHERE state = 'settled' AND released_at IS NULL;

      -- The whole countersigned receipt as canonical JSON; seq counts per exchange and supplier, hash is what the next receipt's prev names.
      CREATE TABLE receipts (
        exchange TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        job_id TEXT NOT NULL UNIQUE REFERENCES jobs (job_id),
        hash TEXT NOT NULL,
        json TEXT NOT NULL,
        settled_at INTEGER NOT NULL,
        PRIMARY KEY (exchange, seq)
      ) STRICT;
      CREATE TRIGGER receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;
      CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;

      CREATE TABLE releases (
        exchange TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        job_id TEXT NOT NULL UNIQUE REFERENCES jobs (job_id),
        amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0),
        at INTEGER NOT NULL,
        PRIMARY KEY (exchange, seq)
      ) STRICT;
      CREATE TRIGGER releases_no_update BEFORE UPDATE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;
      CREATE TRIGGER releases_no_delete BEFORE DELETE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;
    `)
  },
}
