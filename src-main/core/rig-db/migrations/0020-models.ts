/** Models are GGUF files known by SHA-256, with their header's facts; a deployment is a model with engine settings. */
import type { Migration } from '#db/db-types.ts'

export const modelsMigration: Migration = {
  id: 20,
  name: 'models',
  up(exec) {
    exec(`
      CREATE TABLE models (
        sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
        path TEXT NOT NULL,
        file_name TEXT NOT NULL,
        -- Size and time of the file when it was hashed: another pair means it must be hashed again.
        size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
        mtime_ms REAL NOT NULL,
        added_at INTEGER NOT NULL,
        bundled INTEGER NOT NULL CHECK (bundled IN (0, 1)),
        architecture TEXT NOT NULL,
        parameters INTEGER,
        quantisation TEXT NOT NULL,
        context_tokens INTEGER,
        has_chat_template INTEGER NOT NULL CHECK (has_chat_template IN (0, 1)),
        licence TEXT,
        name TEXT,
        needed_bytes INTEGER NOT NULL,
        needed_method TEXT NOT NULL,
        card TEXT
      ) STRICT;
      CREATE INDEX models_by_added ON models (added_at);
      CREATE TABLE deployments (
        deployment_id TEXT PRIMARY KEY,
        sha256 TEXT NOT NULL REFERENCES models (sha256) ON DELETE CASCADE,
        context_tokens INTEGER NOT NULL CHECK (context_tokens BETWEEN 32 AND 1048576),
        slots INTEGER NOT NULL CHECK (slots BETWEEN 1 AND 64),
        threads INTEGER NOT NULL CHECK (threads BETWEEN 1 AND 256),
        gpu_layers INTEGER NOT NULL CHECK (gpu_layers BETWEEN 0 AND 1000),
        created_at INTEGER NOT NULL,
        -- Set while the owner wants it in memory: it is what a restart loads again.
        wanted_since INTEGER,
        UNIQUE (sha256, context_tokens, slots, threads, gpu_layers)
      ) STRICT;
      CREATE UNIQUE INDEX deployments_one_wanted ON deployments ((1)) WHERE wanted_since IS NOT NULL;
    `)
  },
}
