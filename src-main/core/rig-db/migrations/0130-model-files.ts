/**
 * The files of a model, one row each: a split model has several. With what tells that a file was touched (size, times,
 * inode) and its own hash, so that only what was touched is hashed again.
 */
import type { Migration } from '#db/db-types.ts'

export const modelFilesMigration: Migration = {
  id: 130,
  name: 'model files',
  up(exec) {
    exec(`
      CREATE TABLE model_files (
        sha256 TEXT NOT NULL REFERENCES models (sha256) ON DELETE CASCADE,
        -- From 1, as file names count them; split.no of the header counts from 0.
        no INTEGER NOT NULL CHECK (no BETWEEN 1 AND 1000),
        path TEXT NOT NULL,
        part_sha256 TEXT NOT NULL CHECK (length(part_sha256) = 64),
        size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
        mtime_ms REAL NOT NULL,
        -- Not known of models from before; taken over at the next look at an otherwise unchanged file.
        ctime_ms REAL,
        inode TEXT,
        PRIMARY KEY (sha256, no)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO model_files (sha256, no, path, part_sha256, size_bytes, mtime_ms, ctime_ms, inode)
        SELECT sha256, 1, path, sha256, size_bytes, mtime_ms, NULL, NULL FROM models;
    `)
  },
}
