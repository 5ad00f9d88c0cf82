/** One table of a closed database, read and written row by row without knowing its columns. */
import type Database from 'better-sqlite3'

export type RawRow = Record<string, string | number | bigint | null>

export interface BulkTable {
  readonly name: string
  rows(): RawRow[]
  /** Removes the rows of jobs; those of no job (a buyer's first credit) stay. */
  clear(): void
  insert(row: RawRow): void
  /** Numbers for a key that counts up. */
  next(): number
}

/** Rows of no job are left alone. */
const OF_JOBS: Readonly<Record<string, string>> = { transfers: 'WHERE job_id IS NOT NULL' }

export function bulkTable(sqlite: Database.Database, name: string): BulkTable {
  const where = OF_JOBS[name] ?? ''
  const columns = (sqlite.pragma(`table_info(${name})`) as { name: string }[]).map((column) => column.name)
  const insert = sqlite.prepare(
    `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`,
  )
  // Kept rows of transfers have low numbers.
  let last = 1_000
  return {
    name,
    rows: () =>
      sqlite
        .prepare(`SELECT * FROM ${name} ${where} ORDER BY ${name === 'pendings' ? 'id' : 'rowid'}`)
        .all() as RawRow[],
    clear: () => void sqlite.exec(`DELETE FROM ${name} ${where}`),
    insert: (row) => void insert.run(row),
    next: () => (last += 1),
  }
}
