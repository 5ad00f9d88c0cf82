/** That the machine was given back to its owner, and nothing was loaded since. */
import type { Migration } from '#db/db-types.ts'

export const givenBackMigration: Migration = {
  id: 80,
  name: 'given back',
  up(exec) {
    exec(`
      -- No row: it was not, or something was loaded since.
      CREATE TABLE given_back (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        at INTEGER NOT NULL
      ) STRICT;
    `)
  },
}
