/**
 * A table described once: its columns give the type of a row, the list of a SELECT, and the INSERT and UPDATE. The
 * migration alone makes the table; test/db/described-tables.test.ts holds the two together. Queries stay SQL.
 *
 *     const notes = defineTable('notes', {
 *       noteId: text<NoteId>(), // note_id TEXT NOT NULL
 *       price: amount(), // INTEGER NOT NULL, within 2^51
 *       endedAt: nullable(int()), // INTEGER, NULL until then
 *       right: named('is_right', nullable(bool())),
 *       attempts: defaulted(int()), // NOT NULL DEFAULT 0: an INSERT may leave it out
 *     })
 *     export type NoteRow = RowOf<typeof notes>
 *
 *     notes.get(db, `SELECT ${notes.columns} FROM notes WHERE note_id = ?`, noteId) // NoteRow | null
 *     notes.insert(db, { noteId, price, endedAt: null, right: null })
 *     notes.update(db, { endedAt: now }, 'WHERE note_id = ?', noteId)
 *
 * An INSERT takes every column that is not `defaulted`, NULL included, and nothing else: a column that nothing writes
 * does not compile. Every read checks its values (column.ts); a sum or a count is no row and stays a plain statement.
 */
import { decode, encode, type DbColumn } from './column.ts'
import type { ReadDb, WriteDb } from './db-types.ts'

type Columns = Readonly<Record<string, DbColumn>>
type ValueOf<C> = C extends DbColumn<infer Value> ? Value : never
type Defaulted<C extends Columns> = { [F in keyof C]: C[F]['defaulted'] extends true ? F : never }[keyof C]
type Row<C extends Columns> = { [F in keyof C]: ValueOf<C[F]> }
type NewRow<C extends Columns> = { [F in Exclude<keyof C, Defaulted<C>>]: ValueOf<C[F]> } & {
  [F in Defaulted<C>]?: ValueOf<C[F]>
}
/** `Given`, with no field beside those of `Shape`. */
type Exact<Shape, Given extends Shape> = Given & Record<Exclude<keyof Given, keyof Shape>, never>

/** Part of a table's columns, and how rows of them are read. */
export interface DbSelection<R> {
  /** `job_id AS jobId, instrument, …`, to follow SELECT. */
  readonly columns: string
  /** The first row, or null. The query selects `columns`. Error: DB_CORRUPT. */
  get(db: ReadDb, sql: string, ...params: readonly unknown[]): R | null
  /** Every row: the query bounds their number. Error: DB_CORRUPT. */
  all(db: ReadDb, sql: string, ...params: readonly unknown[]): R[]
}

export interface DbTable<C extends Columns> extends DbSelection<Row<C>> {
  readonly table: string
  readonly fields: C
  /** Only these fields. */
  pick<F extends keyof C & string>(...fields: readonly F[]): DbSelection<Pick<Row<C>, F>>
  /** All fields, some of them by an expression of SQL in place of their column. */
  by(expressions: { readonly [F in keyof C]?: string }): DbSelection<Row<C>>
  /** How many rows were written: 1. */
  insert<Given extends NewRow<C>>(db: WriteDb, row: Exact<NewRow<C>, Given>): number
  /**
   * An INSERT of one's own: `by` gives columns by an expression of SQL, where `@field` is a value of the row; `conflict`
   * is its ON CONFLICT clause.
   */
  inserter<F extends keyof C = never>(options: {
    by?: { readonly [G in F]: string }
    conflict?: string
  }): <Given extends Omit<NewRow<C>, F>>(db: WriteDb, row: Exact<Omit<NewRow<C>, F>, Given>) => number
  /** Changes the given columns of the rows that `where` names; how many those were. */
  update<Given extends Partial<Row<C>>>(
    db: WriteDb,
    change: Exact<Partial<Row<C>>, Given>,
    where: string,
    ...params: readonly unknown[]
  ): number
}

export type RowOf<T> = T extends DbTable<infer C> ? Row<C> : never
export type NewRowOf<T> = T extends DbTable<infer C> ? NewRow<C> : never

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** The name in SQL of a described column. */
export const columnName = (field: string, { name }: DbColumn): string => name ?? snake(field)

export function defineTable<const C extends Columns>(table: string, fields: C): DbTable<C> {
  const nameOf = (field: string): string => columnName(field, fields[field]!)
  const encoded = (row: Readonly<Record<string, unknown>>, given: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(given.map((field) => [field, encode(fields[field]!, row[field])]))

  const selection = <R>(names: readonly string[], by: Readonly<Record<string, string | undefined>>): DbSelection<R> => {
    const read = (row: Readonly<Record<string, unknown>>): R => {
      const result: Record<string, unknown> = {}
      for (const field of names) {
        if (row[field] === undefined) throw new Error(`the query of ${table} does not select ${field}`)
        result[field] = decode(fields[field]!, row[field], table, nameOf(field))
      }
      return result as R
    }
    return {
      columns: names.map((field) => aliased(by[field] ?? nameOf(field), field)).join(', '),
      get(db, sql, ...params) {
        const row = db.money<Record<string, unknown>>(sql).get(...params)
        return row === undefined ? null : read(row)
      },
      all: (db, sql, ...params) =>
        db
          .money<Record<string, unknown>>(sql)
          .all(...params)
          .map(read),
    }
  }

  const inserter: DbTable<C>['inserter'] = ({ by = {}, conflict = '' }) => {
    const expressions: Readonly<Record<string, string | undefined>> = by
    return (db, row) => {
      const given = Object.keys(fields).filter((field) => expressions[field] === undefined && field in row)
      const filled = [...given, ...Object.keys(by)]
      const values = filled.map((field) => expressions[field] ?? `@${field}`)
      const sql = `INSERT INTO ${table} (${filled.map(nameOf).join(', ')}) VALUES (${values.join(', ')}) ${conflict}`
      return db.prepare(sql.trimEnd()).run(encoded(row, given)).changes
    }
  }

  return {
    table,
    fields,
    ...selection<Row<C>>(Object.keys(fields), {}),
    pick: (...names) => selection(names, {}),
    by: (expressions) => selection(Object.keys(fields), expressions),
    insert: inserter({}),
    inserter,
    update(db, change, where, ...params) {
      const given = Object.keys(fields).filter((field) => field in change)
      const sets = given.map((field) => `${nameOf(field)} = @${field}`)
      return db.prepare(`UPDATE ${table} SET ${sets.join(', ')} ${where}`).run(...params, encoded(change, given))
        .changes
    },
  }
}

const aliased = (sql: string, field: string): string => (sql === field ? sql : `${sql} AS ${field}`)
