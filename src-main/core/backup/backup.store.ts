/** What the owner wants of copies, and what came of those that were tried. */
import type { BackupEntry, BackupSettings } from '#contract/backup.ts'
import { parseStoredReason, storedReason } from '#contract/reasons.ts'
import { bool, defaulted, int, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const backupSettingsRow = defineTable('backup_settings', {
  id: defaulted(int()),
  automatic: bool(),
  folder: nullable(text()),
  keep: int(),
  bytesMax: int(),
})

export const backupRows = defineTable('backups', {
  id: defaulted(int()),
  startedAt: int(),
  endedAt: int(),
  automatic: bool(),
  path: text(),
  bytes: int(),
  problem: nullable(text()),
})

/** A week of nights, and no more than a small disk spares. */
const AT_FIRST: BackupSettings = { automatic: true, folder: null, keep: 7, bytesMax: 20_000_000_000 }
/** Rows kept: more than a year of nights. */
const ROWS_KEPT = 500

export function readBackupSettings(db: ReadDb): BackupSettings {
  const row = backupSettingsRow.get(db, `SELECT ${backupSettingsRow.columns} FROM backup_settings WHERE id = 1`)
  if (row === null) return AT_FIRST
  const { automatic, folder, keep, bytesMax } = row
  return { automatic, folder, keep, bytesMax }
}

const upsert = backupSettingsRow.inserter({
  conflict: `ON CONFLICT (id) DO UPDATE SET automatic = excluded.automatic, folder = excluded.folder,
    keep = excluded.keep, bytes_max = excluded.bytes_max`,
})
export const writeBackupSettings = (db: WriteDb, settings: BackupSettings): number => upsert(db, { id: 1, ...settings })

const entryOf = ({ startedAt, endedAt, automatic, path, bytes, problem }: RowOf<typeof backupRows>): BackupEntry => ({
  startedAt,
  endedAt,
  automatic,
  path,
  bytes,
  problem: problem === null ? null : parseStoredReason(problem),
})

/** The newest first. */
export const recentBackups = (db: ReadDb, limit: number): BackupEntry[] =>
  backupRows.all(db, `SELECT ${backupRows.columns} FROM backups ORDER BY id DESC LIMIT ?`, limit).map(entryOf)

/** The newest good one, of all or of the automatic ones. */
export function lastGoodBackup(db: ReadDb, automatic?: true): BackupEntry | null {
  const row = backupRows.get(
    db,
    `SELECT ${backupRows.columns} FROM backups WHERE problem IS NULL ${automatic === true ? 'AND automatic = 1' : ''}
     ORDER BY id DESC LIMIT 1`,
  )
  return row === null ? null : entryOf(row)
}

export const lastAutomaticTry = (db: ReadDb): number | null =>
  db.prepare<{ at: number | null }>('SELECT max(ended_at) AS at FROM backups WHERE automatic = 1').get()?.at ?? null

export function insertBackup(db: WriteDb, { problem, ...entry }: BackupEntry): void {
  backupRows.insert(db, { ...entry, problem: problem === null ? null : storedReason(problem) })
  db.prepare('DELETE FROM backups WHERE id <= (SELECT max(id) FROM backups) - ?').run(ROWS_KEPT)
}
