/**
 * Processes with one GPU each. The table is rebuilt, because its UNIQUE grew; ids stay, and what is there keeps all
 * GPUs together.
 */
import type { Migration } from '#db/db-types.ts'

export const gpusMigration: Migration = {
  id: 70,
  name: 'one process per GPU',
  up(exec) {
    exec(`
      ALTER TABLE deployments RENAME TO deployments_before;
      CREATE TABLE deployments (
        deployment_id TEXT PRIMARY KEY,
        -- Of the file; of a remote one, the hash that stands for model and servers.
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        -- The file's row; null for a remote one.
        model_sha256 TEXT REFERENCES models (sha256) ON DELETE CASCADE,
        -- JSON: the model's id and the servers, without their keys; null for a local one.
        remote TEXT,
        context_tokens INTEGER NOT NULL CHECK (context_tokens BETWEEN 32 AND 1048576),
        slots INTEGER NOT NULL CHECK (slots BETWEEN 1 AND 64),
        threads INTEGER NOT NULL CHECK (threads BETWEEN 1 AND 256),
        gpu_layers INTEGER NOT NULL CHECK (gpu_layers BETWEEN 0 AND 1000),
        processes INTEGER NOT NULL DEFAULT 1 CHECK (processes BETWEEN 1 AND 8),
        gpus TEXT NOT NULL DEFAULT 'together' CHECK (gpus IN ('together', 'each')),
        kv_type TEXT NOT NULL DEFAULT 'f16' CHECK (kv_type IN ('f16', 'q8_0')),
        flash_attention TEXT NOT NULL DEFAULT 'auto' CHECK (flash_attention IN ('auto', 'on', 'off')),
        batch_tokens INTEGER NOT NULL DEFAULT 512 CHECK (batch_tokens BETWEEN 32 AND 2048),
        -- Null keeps it in memory.
        idle_unload_ms INTEGER CHECK (idle_unload_ms >= 60000),
        created_at INTEGER NOT NULL,
        -- Set while the owner wants it in memory: it is what a restart loads again.
        wanted_since INTEGER,
        CHECK ((model_sha256 IS NULL) <> (remote IS NULL)),
        CHECK (model_sha256 IS NULL OR model_sha256 = sha256),
        CHECK (gpus = 'together' OR gpu_layers > 0),
        UNIQUE (sha256, context_tokens, slots, threads, gpu_layers, processes, gpus, kv_type, flash_attention, batch_tokens)
      ) STRICT;
      INSERT INTO deployments (deployment_id, sha256, model_sha256, remote, context_tokens, slots, threads, gpu_layers, processes, kv_type, flash_attention, batch_tokens,
          idle_unload_ms, created_at, wanted_since)
        SELECT deployment_id, sha256, model_sha256, remote, context_tokens, slots, threads, gpu_layers, processes, kv_type, flash_attention, batch_tokens,
          idle_unload_ms, created_at, wanted_since FROM deployments_before;
      DROP TABLE deployments_before;
    `)
  },
}
