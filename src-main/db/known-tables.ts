/**
 * Whether a database has the tables that the released migrations give it at its version. One that a commit between two
 * releases wrote may carry a number of this list and other tables; its records are not guessed at.
 */
import Database from 'better-sqlite3'

import { fail } from '#contract/errors.ts'

import type { Migration } from './db-types.ts'

/** Columns in their order, by table. */
type Tables = ReadonlyMap<string, string>

const TABLES = `SELECT t.name AS name, group_concat(c.name) AS columns
  FROM sqlite_schema t, pragma_table_info(t.name) c
  WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name ORDER BY t.name, c.cid`

const tablesOf = (sqlite: Database.Database): Tables =>
  new Map((sqlite.prepare(TABLES).all() as { name: string; columns: string }[]).map((row) => [row.name, row.columns]))

/** A list of migrations never changes while a process runs; it has one shape a version. */
const shapes = new WeakMap<readonly Migration[], Map<number, Tables>>()

function tablesAt(migrations: readonly Migration[], version: number): Tables {
  const known = shapes.get(migrations) ?? new Map<number, Tables>()
  shapes.set(migrations, known)
  const found = known.get(version)
  if (found !== undefined) return found
  const sqlite = new Database(':memory:')
  try {
    for (const migration of migrations.filter(({ id }) => id <= version)) migration.up((sql) => sqlite.exec(sql))
    const tables = tablesOf(sqlite)
    known.set(version, tables)
    return tables
  } finally {
    sqlite.close()
  }
}

/** Error: DB_CORRUPT `db.otherTables`, naming the first table that is not as it should be. */
export function checkTables(
  sqlite: Database.Database,
  { path, version, migrations }: { path: string; version: number; migrations: readonly Migration[] },
): void {
  if (version === 0) return
  const [is, should] = [tablesOf(sqlite), tablesAt(migrations, version)]
  const table = [...new Set([...should.keys(), ...is.keys()])].find((name) => is.get(name) !== should.get(name))
  if (table !== undefined) throw fail('db.otherTables', { path, version, table }, { data: { path, version, table } })
}
