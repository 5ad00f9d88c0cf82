/** What the seller wants listed, and the exams that qualify it. */
import type { Migration } from '#db/db-types.ts'

export const tradingMigration: Migration = {
  id: 40,
  name: 'trading',
  up(exec) {
    exec(`
      -- The owner's wish; what the exchange says of it lives in memory and is asked again after every reconnect.
      CREATE TABLE listings (
        instrument TEXT PRIMARY KEY,
        deployment_id TEXT NOT NULL,
        ask_nano_per_mtok INTEGER NOT NULL CHECK (ask_nano_per_mtok >= 0),
        slots INTEGER NOT NULL CHECK (slots > 0),
        paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
        since INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE exams (
        exam_id TEXT PRIMARY KEY,
        instrument TEXT NOT NULL,
        spec_version INTEGER NOT NULL,
        spec_json TEXT NOT NULL,
        deployment_id TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        model_name TEXT NOT NULL,
        engine TEXT NOT NULL,
        device TEXT NOT NULL,
        slots INTEGER NOT NULL,
        exchange TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'cancelled', 'passed', 'not-reached', 'undecided')),
        evidence TEXT NOT NULL CHECK (evidence IN ('self', 'witnessed')),
        phase TEXT NOT NULL CHECK (phase IN ('items', 'single', 'slots')),
        done INTEGER NOT NULL,
        at_most INTEGER NOT NULL,
        limits_json TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        valid_until INTEGER,
        attempt INTEGER NOT NULL,
        carried_json TEXT NOT NULL,
        seed TEXT,
        commitment TEXT,
        result_sig TEXT,
        transcript_json TEXT,
        transcript_sha256 TEXT
      ) STRICT;
      CREATE INDEX exams_by_start ON exams (started_at DESC, exam_id DESC);

      -- One exam item or load call. Prompt and reply are the exam's evidence, no buyer's text.
      CREATE TABLE exam_items (
        exam_id TEXT NOT NULL REFERENCES exams (exam_id),
        phase TEXT NOT NULL CHECK (phase IN ('items', 'single', 'slots')),
        item_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        job_id TEXT,
        prompt TEXT,
        reply TEXT,
        is_right INTEGER CHECK (is_right IN (0, 1)),
        reason TEXT NOT NULL DEFAULT '',
        ttft_ms REAL,
        tok_per_s REAL,
        tokens INTEGER,
        reply_sha256 TEXT,
        arrived_at INTEGER,
        sig TEXT,
        PRIMARY KEY (exam_id, phase, item_id)
      ) STRICT;
      CREATE INDEX exam_items_by_job ON exam_items (job_id);
    `)
  },
}
