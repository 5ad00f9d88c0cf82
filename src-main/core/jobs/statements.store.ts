/** SQL of statements and their lines. */
import { bool, defaulted, int, amount, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export type LineState = 'accrued' | 'available' | 'paid' | 'received'

export const statements = defineTable('statements', {
  /** Counts up by itself. */
  seq: defaulted(int()),
  at: int(),
  sha256: text(),
  lines: int(),
})

export const statementLines = defineTable('statement_lines', {
  /** Counts up by itself. */
  line: defaulted(int()),
  jobId: text(),
  statement: int(),
  amountNano: amount(),
  state: text<LineState>(),
  at: int(),
  difference: nullable(text()),
  booked: bool(),
})
export type StatementLineRow = RowOf<typeof statementLines>

/** What stands in `jobs.exchange` of a job whose evidence is a line of a statement. */
export const BY_STATEMENT = 'statement'

export const statementSeq = (db: ReadDb, sha256: string): number | null =>
  db.prepare<{ seq: number }>('SELECT seq FROM statements WHERE sha256 = ?').get(sha256)?.seq ?? null

export function insertStatement(db: WriteDb, row: { at: number; sha256: string; lines: number }): number {
  statements.insert(db, row)
  return statementSeq(db, row.sha256)!
}

export const lineOf = (db: ReadDb, jobId: string): StatementLineRow | null =>
  statementLines.get(db, `SELECT ${statementLines.columns} FROM statement_lines WHERE job_id = ?`, jobId)

export const insertLine = (db: WriteDb, row: Omit<StatementLineRow, 'line'>): number => statementLines.insert(db, row)

export const updateLine = (db: WriteDb, jobId: string, change: Partial<StatementLineRow>): number =>
  statementLines.update(db, change, 'WHERE job_id = ?', jobId)

/** Lines that do not agree with our record, the newest first, and how many there are. */
export function differingLines(db: ReadDb, limit: number): { latest: StatementLineRow[]; count: number } {
  const latest = statementLines.all(
    db,
    `SELECT ${statementLines.columns} FROM statement_lines WHERE difference IS NOT NULL ORDER BY line DESC LIMIT ?`,
    limit,
  )
  const count = db
    .prepare<{ n: number }>('SELECT count(*) AS n FROM statement_lines WHERE difference IS NOT NULL')
    .get()!.n
  return { latest, count }
}
