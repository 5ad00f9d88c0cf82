/** Stored models: one row per SHA-256, and one for each of its files. */
import type { ModelSha256 } from '#contract/ids.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

import type { ModelPart, StoredModel } from './models.ts'

/** More models than any owner keeps; a bound on the list. */
const MODELS_MAX = 1_000

interface Row {
  sha256: string
  path: string
  file_name: string
  size_bytes: number
  mtime_ms: number
  added_at: number
  bundled: 0 | 1
  architecture: string
  parameters: number | null
  quantisation: string
  context_tokens: number | null
  has_chat_template: 0 | 1
  licence: string | null
  name: string | null
  needed_bytes: number
  needed_method: string
  card: string | null
}

const COLUMNS =
  'sha256, path, file_name, size_bytes, mtime_ms, added_at, bundled, architecture, parameters, quantisation, context_tokens, has_chat_template, licence, name, needed_bytes, needed_method, card'

const toStored = (row: Row, parts: ModelPart[]): StoredModel => ({
  sha256: row.sha256 as ModelSha256,
  path: row.path,
  fileName: row.file_name,
  sizeBytes: row.size_bytes,
  parts,
  addedAt: row.added_at,
  bundled: row.bundled === 1,
  architecture: row.architecture,
  parameters: row.parameters,
  quantisation: row.quantisation,
  contextTokens: row.context_tokens,
  hasChatTemplate: row.has_chat_template === 1,
  licence: row.licence,
  name: row.name,
  neededBytes: row.needed_bytes,
  neededMethod: row.needed_method,
  card: row.card,
})

interface PartRow {
  sha256: string
  path: string
  part_sha256: string
  size_bytes: number
  mtime_ms: number
  ctime_ms: number | null
  inode: string | null
}

const PART_COLUMNS = 'sha256, path, part_sha256, size_bytes, mtime_ms, ctime_ms, inode'

const toPart = (row: PartRow): ModelPart => ({
  path: row.path,
  sha256: row.part_sha256,
  sizeBytes: row.size_bytes,
  mtimeMs: row.mtime_ms,
  ctimeMs: row.ctime_ms,
  inode: row.inode,
})

const partsOf = (db: ReadDb, sha256: string): ModelPart[] =>
  db.prepare<PartRow>(`SELECT ${PART_COLUMNS} FROM model_files WHERE sha256 = ? ORDER BY no`).all(sha256).map(toPart)

export const listModels = (db: ReadDb): StoredModel[] =>
  db
    .prepare<Row>(`SELECT ${COLUMNS} FROM models ORDER BY added_at, sha256 LIMIT ${MODELS_MAX}`)
    .all()
    .map((row) => toStored(row, partsOf(db, row.sha256)))

export function findModel(db: ReadDb, sha256: string): StoredModel | null {
  const row = db.prepare<Row>(`SELECT ${COLUMNS} FROM models WHERE sha256 = ?`).get(sha256)
  return row === undefined ? null : toStored(row, partsOf(db, sha256))
}

function writePartRows(db: WriteDb, sha256: ModelSha256, parts: readonly ModelPart[]): void {
  db.prepare('DELETE FROM model_files WHERE sha256 = ?').run(sha256)
  const insert = db.prepare(`INSERT INTO model_files (no, ${PART_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  for (const [at, part] of parts.entries())
    insert.run(at + 1, sha256, part.path, part.sha256, part.sizeBytes, part.mtimeMs, part.ctimeMs, part.inode)
}

export function insertModel(db: WriteDb, model: StoredModel): void {
  db.prepare(`INSERT INTO models (${COLUMNS}) VALUES (${Array.from({ length: 17 }, () => '?').join(', ')})`).run(
    model.sha256,
    model.path,
    model.fileName,
    model.sizeBytes,
    // From before there were parts; nothing reads it any more.
    model.parts[0]?.mtimeMs ?? 0,
    model.addedAt,
    model.bundled ? 1 : 0,
    model.architecture,
    model.parameters,
    model.quantisation,
    model.contextTokens,
    model.hasChatTemplate ? 1 : 0,
    model.licence,
    model.name,
    model.neededBytes,
    model.neededMethod,
    model.card,
  )
  writePartRows(db, model.sha256, model.parts)
}

/** The same bytes at another place or time. */
export function moveModel(
  db: WriteDb,
  sha256: ModelSha256,
  to: Pick<StoredModel, 'path' | 'fileName' | 'parts'>,
): void {
  db.prepare('UPDATE models SET path = ?, file_name = ? WHERE sha256 = ?').run(to.path, to.fileName, sha256)
  writePartRows(db, sha256, to.parts)
}

export function markBundled(db: WriteDb, sha256: ModelSha256, card: string | null): void {
  db.prepare('UPDATE models SET bundled = 1, card = ? WHERE sha256 = ?').run(card, sha256)
}

/** Deletes the row and its deployments, not the file. */
export const deleteModel = (db: WriteDb, sha256: string): boolean =>
  db.prepare('DELETE FROM models WHERE sha256 = ?').run(sha256).changes > 0
