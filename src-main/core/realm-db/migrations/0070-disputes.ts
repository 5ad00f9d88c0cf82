/**
 * Receipts whose money we do not agree with. `hold_ms` and `fee_bps` are the terms the exchange stated when the job was
 * won (null for jobs from before this migration). `buyer_left_at` is set when the exchange said that the buyer left
 * after we had sent the claim. `dispute` is a JSON array of differences: the job's receipt is kept in the chain as
 * evidence, and nothing of it was booked. SQLite cannot add a value to the CHECK of `state` without rebuilding the
 * table, so a disputed job is stored as `void`, and gross, fee and seller are what the receipt says.
 */
import type { Migration } from '#db/db-types.ts'

export const disputesMigration: Migration = {
  id: 70,
  name: 'disputes',
  up(exec) {
    exec(`
      ALTER TABLE jobs ADD COLUMN hold_ms INTEGER CHECK (hold_ms >= 0);
      ALTER TABLE jobs ADD COLUMN fee_bps INTEGER CHECK (fee_bps BETWEEN 0 AND 10000);
      ALTER TABLE jobs ADD COLUMN buyer_left_at INTEGER;
      ALTER TABLE jobs ADD COLUMN dispute TEXT CHECK (dispute IS NULL OR state = 'void');
      CREATE INDEX jobs_disputed ON jobs (ended_at DESC) WHERE dispute IS NOT NULL;
    `)
  },
}
