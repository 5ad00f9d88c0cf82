/** The one row of own use, the models it may offer, and whether the machine was given back. */
import type { ModelSha256 } from '#contract/ids.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

import type { CatalogueModel } from './model-catalogue.ts'

export interface OwnUseRow {
  enabled: boolean
  port: number
  /** SHA-256 in hex; null before the first key. */
  keyHash: string | null
  keyMadeAt: EpochMs | null
}

const PORT_DEFAULT = 8_790
const MODELS_MAX = 1_000

export function readOwnUse(db: ReadDb): OwnUseRow {
  const row = db
    .prepare<{ enabled: 0 | 1; port: number; key_hash: string | null; made_at: number | null }>(
      'SELECT enabled, port, key_hash, made_at FROM own_use WHERE id = 1',
    )
    .get()
  return row === undefined
    ? { enabled: false, port: PORT_DEFAULT, keyHash: null, keyMadeAt: null }
    : { enabled: row.enabled === 1, port: row.port, keyHash: row.key_hash, keyMadeAt: row.made_at }
}

export function writeOwnUse(db: WriteDb, { enabled, port, keyHash, keyMadeAt }: OwnUseRow): void {
  db.prepare(`
    INSERT INTO own_use (id, enabled, port, key_hash, made_at) VALUES (1, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, port = excluded.port, key_hash = excluded.key_hash, made_at = excluded.made_at
  `).run(enabled ? 1 : 0, port, keyHash, keyMadeAt)
}

export const readGivenBack = (db: ReadDb): boolean =>
  db.prepare<{ at: number }>('SELECT at FROM given_back WHERE id = 1').get() !== undefined

export function writeGivenBack(db: WriteDb, at: EpochMs): void {
  db.prepare('INSERT INTO given_back (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at').run(at)
}

export function clearGivenBack(db: WriteDb): void {
  db.prepare('DELETE FROM given_back').run()
}

/** Every imported file, oldest first. */
export const catalogueModels = (db: ReadDb): CatalogueModel[] =>
  db
    .prepare<{
      sha256: ModelSha256
      name: string | null
      file_name: string
      context_tokens: number | null
      added_at: number
    }>(
      `SELECT sha256, name, file_name, context_tokens, added_at FROM models ORDER BY added_at, sha256 LIMIT ${MODELS_MAX}`,
    )
    .all()
    .map((row) => ({
      sha256: row.sha256,
      name: row.name,
      fileName: row.file_name,
      contextTokens: row.context_tokens,
      addedAt: row.added_at,
    }))
