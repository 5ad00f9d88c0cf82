/**
 * How often this rig has started with its key, for each venue: of two rigs with one key the venue lets the one in that
 * started more often (docs/protocol.md, One key, one rig). A copied folder starts from the same count.
 */
import type { Migration } from '#db/db-types.ts'

export const epochsMigration: Migration = {
  id: 110,
  name: 'epochs',
  up(exec) {
    exec('ALTER TABLE venues ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0);')
  },
}
