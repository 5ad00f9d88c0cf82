/**
 * Double entry, append only, two-phase transfers (reserve → post / void / expire). Used by the seller's core and by the
 * exchange; every call runs inside the caller's transaction, so that a job's state, its ledger rows and its outbox row
 * commit together. The caller makes every transfer id before anything is sent and reuses it on retry: the same id with
 * the same content is a no-op (times and reasons are not content: a retry after a restart comes later). Errors come
 * before the first write, so a caught one leaves the transaction usable. Prior art for the shape: TigerBeetle's
 * two-phase transfers.
 */
import type { Nano } from '#contract/money.ts'
import type { Unit, UnitCode } from '#contract/units.ts'
import type { WriteDb, ReadDb } from '#db/db-types.ts'

/**
 * Decides the normal side; `credit-limited` accounts refuse to go below zero on the credit side (pending debits
 * counted).
 */
export interface AccountSpec {
  id: string
  kind: 'asset' | 'liability' | 'income' | 'expense' | 'equity'
  unit: Pick<Unit, 'code' | 'kind' | 'scale'>
  creditLimited?: boolean
}

export interface TransferSpec {
  id: string
  debit: string
  credit: string
  /** Above zero. */
  amount: Nano
  /** Why it exists: `reserve`, `sale`, `fee`, `release`, `fund`, … */
  code: string
  jobId?: string
  at: number
}

export interface Balance {
  unit: UnitCode
  /** Turnover: up to 2^62, where their difference stays within 2^51. */
  debits: bigint
  credits: bigint
  pendingDebits: Nano
  pendingCredits: Nano
}
export type Applied = 'applied' | 'duplicate'

export interface BooksCheck {
  ok: boolean
  problems: string[]
  accounts: number
  transfers: number
}

export interface Books {
  /**
   * Opens, or confirms an equal account; LEDGER_CONFLICT when it exists with another kind or unit, or
   * when its unit's code stands for another scale or kind here.
   */
  openAccount(db: WriteDb, spec: AccountSpec): void
  /**
   * Errors: LEDGER_CONFLICT (data.reason: `content` same id but other content, `unit`, `account`, `limit` = not
   * enough money), LEDGER_UNKNOWN (account), MONEY_RANGE.
   */
  transfer(db: WriteDb, spec: TransferSpec): Applied
  /** Phase one: moves nothing, holds the amount on both sides until posted, voided or expired. */
  reserve(db: WriteDb, spec: TransferSpec & { expiresAt: number }): Applied
  /**
   * Phase two: posts `amount` (0 < amount ≤ reserved; a database check) and frees the rest. Errors: LEDGER_UNKNOWN,
   * LEDGER_CLOSED (already resolved otherwise).
   */
  post(db: WriteDb, spec: { id: string; pendingId: string; amount: Nano; at: number }): Applied
  /** Phase two: frees the whole reservation. Errors as post. */
  void(db: WriteDb, spec: { id: string; pendingId: string; reason: string; at: number }): Applied
  balance(db: ReadDb, account: string): Balance
  /**
   * Re-sums every account from the transfers and compares it with the projection; debits = credits per unit; each
   * pending resolved at most once.
   */
  check(db: ReadDb): BooksCheck
}
