/** The keys this rig sold under, and copies of the data folder: what the owner wants, and what came of each one. */
import type { Migration } from '#db/db-types.ts'

export const keysAndCopiesMigration: Migration = {
  id: 120,
  name: 'keys and copies',
  up(exec) {
    exec(`
      -- Public halves only. The history in this folder belongs to these keys and to no other.
      CREATE TABLE own_keys (
        public_key TEXT PRIMARY KEY CHECK (length(public_key) = 43),
        made_at INTEGER NOT NULL,
        -- When another key took its place; NULL while it is the one that sells.
        retired_at INTEGER
      ) STRICT;

      CREATE TABLE backup_settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
        -- Where automatic copies go; NULL for the folder backups of the data folder.
        folder TEXT,
        keep INTEGER NOT NULL CHECK (keep BETWEEN 1 AND 365),
        bytes_max INTEGER NOT NULL CHECK (bytes_max > 0)
      ) STRICT;

      -- Copies that came to an end, good or not; the last ones are kept.
      CREATE TABLE backups (
        id INTEGER PRIMARY KEY,
        started_at INTEGER NOT NULL,
        ended_at INTEGER NOT NULL,
        automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
        -- The whole copy, or the folder it should have gone to.
        path TEXT NOT NULL,
        bytes INTEGER NOT NULL CHECK (bytes >= 0),
        -- Why there is none, as a stored reason; NULL when it is good.
        problem TEXT
      ) STRICT;

      -- Restores of this folder whose epochs were raised (0110): by the id in restored.json.
      CREATE TABLE restores (
        id TEXT PRIMARY KEY,
        noted_at INTEGER NOT NULL
      ) STRICT;
    `)
  },
}
