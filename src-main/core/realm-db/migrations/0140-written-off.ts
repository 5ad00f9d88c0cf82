/**
 * Money that can never come, because its exchange is gone or has another history than ours: written off by its owner.
 * The job stays settled and its receipt in the chain; the amount leaves the held money for an expense, and comes back
 * from there if the exchange releases it after all.
 */
import type { Migration } from '#db/db-types.ts'

export const writtenOffMigration: Migration = {
  id: 140,
  name: 'written off',
  up(exec) {
    exec(`
      ALTER TABLE jobs ADD COLUMN written_off_at INTEGER;
      ALTER TABLE rollup_quarter ADD COLUMN written_off_nano INTEGER NOT NULL DEFAULT 0;
      DROP INDEX jobs_held;
      CREATE INDEX jobs_held ON jobs (release_at) WHERE state = 'settled' AND released_at IS NULL AND written_off_at IS NULL;
      CREATE INDEX jobs_written_off ON jobs (exchange) WHERE written_off_at IS NOT NULL;
    `)
  },
}
