/**
 * A job touches fewer pages. A claim is stored once: in its job until the receipt holds it; what waits in the outbox names
 * the job, and goes when it is answered. Indices by state hold what has ended: a job changes its state twice on the way,
 * and the few that are open are found by `jobs_open`. Nothing ever looked for pending transfers by their expiry.
 */
import type { Migration } from '#db/db-types.ts'

export const fewerPagesMigration: Migration = {
  id: 190,
  name: 'fewer pages',
  up(exec) {
    exec(`
      CREATE TABLE outbox_new (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        payload TEXT NOT NULL CHECK (json_valid(payload)),
        created_at INTEGER NOT NULL,
        -- Of no use since rows go when they are done.
        done_at INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        UNIQUE (kind, key)
      ) STRICT;
      INSERT INTO outbox_new (id, kind, key, payload, created_at, attempts)
        SELECT id, kind, key, iif(kind = 'claim', json_object('jobId', key), payload), created_at, attempts FROM outbox WHERE done_at IS NULL ORDER BY id;
      DROP TABLE outbox;
      ALTER TABLE outbox_new RENAME TO outbox;

      DROP INDEX jobs_by_state;
      CREATE INDEX jobs_by_state ON jobs (iif(dispute IS NULL, state, 'disputed'), started_at) WHERE state NOT IN ('running', 'claimed');
      DROP INDEX jobs_by_instrument_state;
      CREATE INDEX jobs_by_instrument_state ON jobs (instrument, iif(dispute IS NULL, state, 'disputed'), started_at) WHERE state NOT IN ('running', 'claimed');
      DROP INDEX jobs_open;
      CREATE INDEX jobs_open ON jobs (state, started_at) WHERE state IN ('running', 'claimed');

      DROP INDEX IF EXISTS pendings_open;
    `)
  },
}
