/**
 * Chains of receipts and releases are kept per exchange and own key: a rig that had to take a new key begins a chain of
 * its own with number 1, beside the one it had. Who signed stands in the claim; a release belongs to the chain of its
 * job's receipt. SQLite cannot change a primary key in place, so both tables are rebuilt, row for row in their order.
 * An exam is its key's too: what was won before this migration is claimed by the key that is in the folder at the next
 * start.
 */
import type { Migration } from '#db/db-types.ts'

export const chainsByKeyMigration: Migration = {
  id: 170,
  name: 'chains by key',
  up(exec) {
    exec(`
      CREATE TABLE receipts_by_key (
        exchange TEXT NOT NULL,
        -- The own key that signed the claim.
        supplier TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        job_id TEXT NOT NULL UNIQUE REFERENCES jobs (job_id),
        hash TEXT NOT NULL,
        json TEXT NOT NULL,
        settled_at INTEGER NOT NULL,
        PRIMARY KEY (exchange, supplier, seq)
      ) STRICT;
      INSERT INTO receipts_by_key (rowid, exchange, supplier, seq, job_id, hash, json, settled_at)
        SELECT rowid, exchange, coalesce(json_extract(json, '$.claim.supplier'), ''), seq, job_id, hash, json, settled_at
        FROM receipts ORDER BY rowid;

      CREATE TABLE releases_by_key (
        exchange TEXT NOT NULL,
        supplier TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        job_id TEXT NOT NULL UNIQUE REFERENCES jobs (job_id),
        amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0),
        at INTEGER NOT NULL,
        PRIMARY KEY (exchange, supplier, seq)
      ) STRICT;
      INSERT INTO releases_by_key (rowid, exchange, supplier, seq, job_id, amount_nano, at)
        SELECT l.rowid, l.exchange, coalesce(r.supplier, ''), l.seq, l.job_id, l.amount_nano, l.at
        FROM releases l LEFT JOIN receipts_by_key r ON r.job_id = l.job_id ORDER BY l.rowid;

      DROP TABLE releases;
      DROP TABLE receipts;
      ALTER TABLE receipts_by_key RENAME TO receipts;
      ALTER TABLE releases_by_key RENAME TO releases;
      CREATE TRIGGER receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;
      CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append only'); END;
      CREATE TRIGGER releases_no_update BEFORE UPDATE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;
      CREATE TRIGGER releases_no_delete BEFORE DELETE ON releases BEGIN SELECT RAISE(ABORT, 'releases are append only'); END;

      -- The own key it was taken under; NULL until the next start.
      ALTER TABLE exams ADD COLUMN supplier TEXT;
    `)
  },
}
