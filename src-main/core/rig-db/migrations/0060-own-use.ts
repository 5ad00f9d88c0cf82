/** Own use: whether and where the owner's endpoint listens, and the hash of its key. */
import type { Migration } from '#db/db-types.ts'

export const ownUseMigration: Migration = {
  id: 60,
  name: 'own use',
  up(exec) {
    exec(`
      CREATE TABLE own_use (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
        port INTEGER NOT NULL CHECK (port BETWEEN 1024 AND 65535),
        -- SHA-256 of the key in hex; the key itself is shown once and never stored.
        key_hash TEXT CHECK (length(key_hash) = 64),
        made_at INTEGER,
        CHECK ((key_hash IS NULL) = (made_at IS NULL))
      ) STRICT;
    `)
  },
}
