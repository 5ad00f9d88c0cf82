/** The ledger's rows and their statements: what is stored, in BigInt, without any rule. */
import type { UnitCode, UnitKind } from '#contract/units.ts'
import { bigint, bool, defaulted, int, named, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type NewRowOf, type RowOf } from '#db/table.ts'

import type { AccountSpec } from './books-types.ts'

/** One row a code, so that a code means one thing in a database. */
export const units = defineTable('units', { code: text(), scale: int(), kind: text<UnitKind>() })

export const accounts = defineTable('accounts', {
  id: text(),
  kind: text<AccountSpec['kind']>(),
  unit: named('currency', text()),
  scale: int(),
  unitKind: text<UnitKind>(),
  creditLimited: bool(),
})
export type AccountRow = RowOf<typeof accounts>

export type TransferType = 'direct' | 'pending' | 'post' | 'void'
export const transfers = defineTable('transfers', {
  /** Counts up by itself. */
  seq: defaulted(bigint()),
  id: text(),
  type: text<TransferType>(),
  debit: text(),
  credit: text(),
  unit: named('currency', text()),
  amount: bigint(),
  code: text(),
  jobId: nullable(text()),
  at: bigint(),
  expiresAt: nullable(bigint()),
  pendingId: nullable(text()),
})
export type TransferRow = RowOf<typeof transfers>

export const pendings = defineTable('pendings', {
  id: text(),
  reserved: bigint(),
  expiresAt: bigint(),
  state: text<'open' | 'posted' | 'voided'>(),
  posted: bigint(),
})

export const balances = defineTable('balances', {
  account: text(),
  debits: defaulted(bigint()),
  credits: defaulted(bigint()),
  pendingDebits: defaulted(bigint()),
  pendingCredits: defaulted(bigint()),
})
export type BalanceRow = Omit<RowOf<typeof balances>, 'account'>

export const accountRow = (db: ReadDb, id: string): AccountRow | null =>
  accounts.get(db, `SELECT ${accounts.columns} FROM accounts WHERE id = ?`, id)

export const unitRow = (db: ReadDb, code: UnitCode): RowOf<typeof units> | null =>
  units.get(db, `SELECT ${units.columns} FROM units WHERE code = ?`, code)

/** With a balance of zero, and its unit where no account had it yet. */
export function insertAccount(db: WriteDb, row: AccountRow): void {
  if (unitRow(db, row.unit) === null) units.insert(db, { code: row.unit, scale: row.scale, kind: row.unitKind })
  accounts.insert(db, row)
  balances.insert(db, { account: row.id })
}

export const transferRow = (db: ReadDb, id: string): TransferRow | null =>
  transfers.get(db, `SELECT ${transfers.columns} FROM transfers WHERE id = ?`, id)

export const insertTransfer = (db: WriteDb, row: NewRowOf<typeof transfers>): number => transfers.insert(db, row)

/** The id of the transfer that resolved a pending one. */
export const resolutionOf = (db: ReadDb, pendingId: string): string | undefined =>
  db.money<{ id: string }>('SELECT id FROM transfers WHERE pending_id = ?').get(pendingId)?.id

const sums = balances.pick('debits', 'credits', 'pendingDebits', 'pendingCredits')

export const balanceRow = (db: ReadDb, account: string): BalanceRow | null =>
  sums.get(db, `SELECT ${sums.columns} FROM balances WHERE account = ?`, account)

export const saveBalance = (db: WriteDb, account: string, row: BalanceRow): number =>
  balances.update(db, row, 'WHERE account = ?', account)
