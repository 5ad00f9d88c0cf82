/** What happened to this machine, to be read later; and the row by which the breaker sees that rig.db can be written. */
import type { Migration } from '#db/db-types.ts'

export const rigEventsMigration: Migration = {
  id: 150,
  name: 'rig events',
  up(exec) {
    exec(`
      -- Bounded: the newest are kept.
      CREATE TABLE rig_events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        -- For programs: breaker.stopped.
        what TEXT NOT NULL CHECK (what <> ''),
        subject TEXT NOT NULL,
        -- A code with its params (contract/reasons.ts).
        reason TEXT NOT NULL
      ) STRICT;

      CREATE TABLE breaker_checks (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        checked_at INTEGER NOT NULL
      ) STRICT;
    `)
  },
}
