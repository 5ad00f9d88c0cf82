/**
 * Which start of a supplier's Stoker has its key now: `epoch` rises with every start, `instance` is drawn at each. 0 and
 * empty for one that never spoke protocol 2.
 */
import type { Migration } from '#db/db-types.ts'

export const epochsMigration: Migration = {
  id: 80,
  name: 'epochs',
  up(exec) {
    exec(`
      ALTER TABLE suppliers ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0);
      ALTER TABLE suppliers ADD COLUMN instance TEXT NOT NULL DEFAULT '';
    `)
  },
}
