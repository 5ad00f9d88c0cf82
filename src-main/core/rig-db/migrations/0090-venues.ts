/** The markets this rig sells on. The first is our own exchange beside the core, whose database lies where it lay. */
import type { Migration } from '#db/db-types.ts'

export const venuesMigration: Migration = {
  id: 90,
  name: 'venues',
  up(exec) {
    exec(`
      CREATE TABLE venues (
        venue_id TEXT PRIMARY KEY,
        -- The kind of venue: what speaks to it (src-main/venues).
        driver TEXT NOT NULL,
        realm TEXT NOT NULL CHECK (realm IN ('real', 'practice', 'simulated')),
        unit TEXT NOT NULL,
        -- Of its database, below the data folder.
        file TEXT NOT NULL UNIQUE,
        -- What its receipts must be signed by; null where it is not pinned, or nothing is signed.
        pinned_key TEXT,
        state TEXT NOT NULL CHECK (state IN ('active', 'removed')),
        created_at INTEGER NOT NULL
      ) STRICT;
      INSERT INTO venues (venue_id, driver, realm, unit, file, pinned_key, state, created_at)
      VALUES ('practice', 'stoker', 'practice', 'PCR', 'practice.db', NULL, 'active', 0);
    `)
  },
}
