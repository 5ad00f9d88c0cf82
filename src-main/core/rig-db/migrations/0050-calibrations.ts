/**
 * What was measured of one model on one machine: the fastest settings and what was seen. Another processor or GPU is
 * another machine.
 */
import type { Migration } from '#db/db-types.ts'

export const calibrationsMigration: Migration = {
  id: 50,
  name: 'calibrations',
  up(exec) {
    exec(`
      CREATE TABLE calibrations (
        sha256 TEXT NOT NULL REFERENCES models (sha256) ON DELETE CASCADE,
        machine TEXT NOT NULL CHECK (length(machine) BETWEEN 1 AND 500),
        at INTEGER NOT NULL,
        -- JSON as engines.port.ts has it.
        result TEXT NOT NULL,
        PRIMARY KEY (sha256, machine)
      ) STRICT, WITHOUT ROWID;
    `)
  },
}
