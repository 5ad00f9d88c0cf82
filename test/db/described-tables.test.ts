/** Every described table is the one its migrations make: no column too few, none too many, the same NULLs. */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import * as booksRows from '#books/rows.ts'
import { outbox } from '#books/outbox.ts'
import { backupRows, backupSettingsRow } from '#core/backup/backup.store.ts'
import { breakerChecks } from '#core/breaker/breaker.store.ts'
import { rigEvents } from '#core/events/recorded-events.store.ts'
import { restores } from '#core/backup/restores.store.ts'
import { sellerExamItems, sellerExams } from '#core/exams/exams.store.ts'
import { ownKeys } from '#core/identity/own-keys.store.ts'
import { sellerJobs, sellerReceipts, sellerReleases } from '#core/jobs/jobs.store.ts'
import { statementLines, statements } from '#core/jobs/statements.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { venues } from '#core/venues/venues.store.ts'
import type { ColumnKind, DbColumn } from '#db/column.ts'
import type { Db, Migration } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { columnName } from '#db/table.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { buyerJobs } from '#exchange-server/store/buyer-jobs.store.ts'
import { buyerKeys, buyers, meta } from '#exchange-server/store/buyers.store.ts'
import { measuredCalls } from '#exchange-server/store/calls.store.ts'
import { keyedCalls, refunds, undelivered } from '#exchange-server/store/refunds.store.ts'
import { examSendingRows, supplierExamItems, supplierExams } from '#exchange-server/store/supplier-exams.store.ts'
import { holds, supplierReceipts, supplierReleases, suppliers } from '#exchange-server/store/suppliers.store.ts'
import { tempDir } from '#test/support/temp-dir.ts'

interface Described {
  table: string
  fields: Readonly<Record<string, DbColumn>>
}
interface SchemaColumn {
  name: string
  type: string
  notnull: number
  pk: number
  dflt_value: string | null
}
const SQL_TYPE: Record<ColumnKind, string> = {
  text: 'TEXT',
  json: 'TEXT',
  int: 'INTEGER',
  amount: 'INTEGER',
  bigint: 'INTEGER',
  bool: 'INTEGER',
  real: 'REAL',
}
const { units, accounts, transfers, pendings, balances } = booksRows
const books: Described[] = [units, accounts, transfers, pendings, balances]
const seller: Described[] = [
  ...books,
  outbox,
  sellerJobs,
  sellerReceipts,
  sellerReleases,
  sellerExams,
  sellerExamItems,
  statements,
  statementLines,
  breakerChecks,
]
const rig: Described[] = [venues, ownKeys, backupSettingsRow, backupRows, restores, rigEvents, breakerChecks]
const exchange: Described[] = [
  ...books,
  buyers,
  buyerKeys,
  buyerJobs,
  suppliers,
  supplierReceipts,
  supplierReleases,
  holds,
  measuredCalls,
  supplierExams,
  supplierExamItems,
  examSendingRows,
  keyedCalls,
  undelivered,
  refunds,
  meta,
]
const databaseOf = (migrations: readonly Migration[]): Db => openDb({ path: join(tempDir(), 'a.db'), migrations })

describe.each([
  ['rig.db', rigMigrations, rig],
  ['practice.db', realmMigrations, seller],
  ['exchange.db', exchangeMigrations, exchange],
] as const)('%s', (_name, migrations, tables) => {
  it.each(tables.map((one) => [one.table, one] as const))('describes %s as it is', (table, { fields }) => {
    const schema = databaseOf(migrations).read.prepare<SchemaColumn>(`PRAGMA table_info(${table})`).all()
    const found = schema.map(({ name, type, notnull, pk, dflt_value }) => ({
      name,
      type,
      nullable: notnull === 0 && pk === 0,
      // A rowid counts up by itself.
      defaulted:
        dflt_value !== null || (pk > 0 && type === 'INTEGER' && schema.filter((one) => one.pk > 0).length === 1),
    }))
    const described = Object.entries(fields).map(([field, column]) => ({
      name: columnName(field, column),
      type: SQL_TYPE[column.kind],
      nullable: column.nullable,
      defaulted: column.defaulted,
    }))
    const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name)
    expect(described.toSorted(byName)).toEqual(found.toSorted(byName))
  })
})

it('leaves no table of the exchange out', () => {
  const tables = databaseOf(exchangeMigrations)
    .read.prepare<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all()
    .map(({ name }) => name)
  expect(exchange.map(({ table }) => table).toSorted()).toEqual(tables.toSorted())
})
