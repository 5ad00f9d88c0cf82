/** The row that the breaker writes to see that these books can be written. */
import type { Migration } from '#db/db-types.ts'

export const breakerChecksMigration: Migration = {
  id: 180,
  name: 'breaker checks',
  up(exec) {
    exec(`
      CREATE TABLE breaker_checks (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        checked_at INTEGER NOT NULL
      ) STRICT;
    `)
  },
}
