/** The ledger's rows and their statements: what is stored, in BigInt, without any rule. */
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export interface AccountRow {
  id: string
  kind: string
  currency: string
  credit_limited: bigint
}
export type TransferType = 'direct' | 'pending' | 'post' | 'void'
export interface TransferRow {
  id: string
  type: TransferType
  debit: string
  credit: string
  currency: string
  amount: bigint
  code: string
  job_id: string | null
  at: bigint
  expires_at: bigint | null
  pending_id: string | null
}
export interface BalanceRow {
  debits: bigint
  credits: bigint
  pending_debits: bigint
  pending_credits: bigint
}

export const accountRow = (db: ReadDb, id: string): AccountRow | undefined =>
  db.money<AccountRow>('SELECT id, kind, currency, credit_limited FROM accounts WHERE id = ?').get(id)

export const transferRow = (db: ReadDb, id: string): TransferRow | undefined =>
  db
    .money<TransferRow>(
      'SELECT id, type, debit, credit, currency, amount, code, job_id, at, expires_at, pending_id FROM transfers WHERE id = ?',
    )
    .get(id)

/** The id of the transfer that resolved a pending one. */
export const resolutionOf = (db: ReadDb, pendingId: string): string | undefined =>
  db.money<{ id: string }>('SELECT id FROM transfers WHERE pending_id = ?').get(pendingId)?.id

export const balanceRow = (db: ReadDb, account: string): BalanceRow | undefined =>
  db
    .money<BalanceRow>('SELECT debits, credits, pending_debits, pending_credits FROM balances WHERE account = ?')
    .get(account)

export function insertTransfer(db: WriteDb, row: TransferRow): void {
  db.money(
    'INSERT INTO transfers (id, type, debit, credit, currency, amount, code, job_id, at, expires_at, pending_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(
    row.id,
    row.type,
    row.debit,
    row.credit,
    row.currency,
    row.amount,
    row.code,
    row.job_id,
    row.at,
    row.expires_at,
    row.pending_id,
  )
}

export const saveBalance = (db: WriteDb, account: string, row: BalanceRow): void =>
  void db
    .money('UPDATE balances SET debits = ?, credits = ?, pending_debits = ?, pending_credits = ? WHERE account = ?')
    .run(row.debits, row.credits, row.pending_debits, row.pending_credits, account)
