/**
 * Double entry over the caller's transaction. Every check comes before the first write, so that a caught error leaves
 * the transaction clean.
 */
import { fail, type FailOptions, type StokerError } from '#contract/errors.ts'
import { NANO_LIMIT, nanoFromBigInt, TURNOVER_LIMIT } from '#contract/money.ts'
import type { WriteDb } from '#db/db-types.ts'
import { columnName } from '#db/table.ts'

import { checkBooks } from './books-check.ts'
import {
  accountRow,
  balanceRow,
  insertAccount,
  insertTransfer,
  pendings,
  resolutionOf,
  saveBalance,
  transferRow,
  transfers,
  unitRow,
  type BalanceRow,
  type TransferRow,
  type TransferType,
} from './rows.ts'
import type { Applied, Books, TransferSpec } from './books-types.ts'

const LIMIT = BigInt(NANO_LIMIT)
const ID_LENGTH_MAX = 200

export function createBooks(): Books {
  return {
    openAccount,
    transfer: (db, spec) => move(db, spec, 'direct', null),
    reserve: (db, spec) => move(db, spec, 'pending', spec.expiresAt),
    post: (db, spec) => resolve(db, { ...spec, type: 'post', amount: amountOfSpec(spec.amount) }),
    void: (db, spec) => resolve(db, { ...spec, type: 'void', amount: null }),
    balance(db, account) {
      const known = accountRow(db, account)
      const row = balanceRow(db, account)
      if (known === null || row === null) throw unknownAccount(account)
      return {
        unit: known.unit,
        debits: row.debits,
        credits: row.credits,
        pendingDebits: nanoFromBigInt(row.pendingDebits),
        pendingCredits: nanoFromBigInt(row.pendingCredits),
      }
    },
    check: checkBooks,
  }
}

const openAccount: Books['openAccount'] = (db, spec) => {
  checkId(spec.id)
  const wanted = {
    id: spec.id,
    kind: spec.kind,
    unit: spec.unit.code,
    scale: spec.unit.scale,
    unitKind: spec.unit.kind,
    creditLimited: spec.creditLimited === true,
  }
  const known = accountRow(db, spec.id)
  if (known !== null) {
    if ((Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => known[name] === wanted[name])) return
    throw fail('ledger.accountConflict', { account: spec.id }, { data: { account: spec.id, reason: 'account' } })
  }
  const unit = unitRow(db, wanted.unit)
  if (unit !== null && (unit.scale !== wanted.scale || unit.kind !== wanted.unitKind))
    throw fail(
      'ledger.unitConflict',
      { unit: unit.code, kind: unit.kind, scale: unit.scale, otherKind: wanted.unitKind, otherScale: wanted.scale },
      { data: { account: spec.id, reason: 'unit' } },
    )
  insertAccount(db, wanted)
}

function move(db: WriteDb, spec: TransferSpec, type: 'direct' | 'pending', expiresAt: number | null): Applied {
  checkId(spec.id)
  const amount = amountOfSpec(spec.amount)
  const wanted = {
    id: spec.id,
    type,
    debit: spec.debit,
    credit: spec.credit,
    amount,
    code: spec.code,
    jobId: spec.jobId ?? null,
    pendingId: null,
  }
  if (isDuplicate(transferRow(db, spec.id), wanted)) return 'duplicate'
  const [debit, credit] = [accountRow(db, spec.debit), accountRow(db, spec.credit)]
  if (debit === null) throw unknownAccount(spec.debit)
  if (credit === null) throw unknownAccount(spec.credit)
  if (debit.unit !== credit.unit)
    throw fail(
      'ledger.units',
      { transfer: spec.id, from: debit.unit, debit: debit.id, to: credit.unit, credit: credit.id },
      conflict(spec.id, 'unit'),
    )
  if (debit.id === credit.id)
    throw fail('ledger.sameAccount', { transfer: spec.id, account: debit.id }, conflict(spec.id, 'account'))
  const pending = type === 'pending'
  const [debited, credited] = [balanceRow(db, debit.id)!, balanceRow(db, credit.id)!]
  if (debit.creditLimited && debited.credits - debited.debits - debited.pendingDebits < amount)
    throw fail('ledger.belowZero', { transfer: spec.id, account: debit.id }, conflict(spec.id, 'limit'))
  const after = [
    withinRange(
      debit.id,
      pending
        ? { ...debited, pendingDebits: debited.pendingDebits + amount }
        : { ...debited, debits: debited.debits + amount },
    ),
    withinRange(
      credit.id,
      pending
        ? { ...credited, pendingCredits: credited.pendingCredits + amount }
        : { ...credited, credits: credited.credits + amount },
    ),
  ] as const
  insertTransfer(db, {
    ...wanted,
    unit: debit.unit,
    at: BigInt(spec.at),
    expiresAt: expiresAt === null ? null : BigInt(expiresAt),
  })
  if (expiresAt !== null)
    pendings.insert(db, {
      id: spec.id,
      reserved: amount,
      expiresAt: BigInt(expiresAt),
      state: 'open',
      posted: 0n,
    })
  saveBalance(db, debit.id, after[0])
  saveBalance(db, credit.id, after[1])
  return 'applied'
}

/** `amount` null frees everything. */
function resolve(
  db: WriteDb,
  spec: { id: string; pendingId: string; at: number; type: 'post' | 'void'; amount: bigint | null; reason?: string },
): Applied {
  checkId(spec.id)
  const pending = transferRow(db, spec.pendingId)
  if (pending?.type !== 'pending')
    throw fail('ledger.pendingUnknown', { transfer: spec.pendingId }, { data: { transfer: spec.pendingId } })
  const { debit, credit, unit, jobId } = pending
  const amount = spec.amount ?? pending.amount
  const wanted = {
    id: spec.id,
    type: spec.type,
    debit,
    credit,
    amount,
    code: spec.type === 'post' ? pending.code : 'void',
    jobId,
    pendingId: spec.pendingId,
  }
  if (isDuplicate(transferRow(db, spec.id), wanted)) return 'duplicate'
  const earlier = resolutionOf(db, spec.pendingId)
  if (earlier !== undefined)
    throw fail(
      'ledger.pendingClosed',
      { transfer: spec.pendingId, by: earlier },
      {
        data: { transfer: spec.pendingId, by: earlier },
      },
    )
  if (amount > pending.amount)
    throw fail(
      'ledger.aboveReserve',
      {
        transfer: spec.id,
        amount: String(amount),
        reserved: String(pending.amount),
      },
      conflict(spec.id, 'reserve'),
    )
  const posted = spec.type === 'post' ? amount : 0n
  const [debited, credited] = [balanceRow(db, debit)!, balanceRow(db, credit)!]
  const after = [
    withinRange(debit, {
      ...debited,
      pendingDebits: debited.pendingDebits - pending.amount,
      debits: debited.debits + posted,
    }),
    withinRange(credit, {
      ...credited,
      pendingCredits: credited.pendingCredits - pending.amount,
      credits: credited.credits + posted,
    }),
  ] as const
  insertTransfer(db, { ...wanted, unit, at: BigInt(spec.at), expiresAt: null })
  pendings.update(db, { state: spec.type === 'post' ? 'posted' : 'voided', posted }, 'WHERE id = ?', spec.pendingId)
  saveBalance(db, debit, after[0])
  saveBalance(db, credit, after[1])
  return 'applied'
}

type Content = Pick<TransferRow, 'id' | 'debit' | 'credit' | 'amount' | 'code' | 'jobId' | 'pendingId'> & {
  type: TransferType
}

/** Times and reasons are not content: a retry after a restart comes at another time. */
function isDuplicate(stored: TransferRow | null, wanted: Content): boolean {
  if (stored === null) return false
  const differing = (Object.keys(wanted) as (keyof Content)[]).find((name) => stored[name] !== wanted[name])
  if (differing === undefined) return true
  throw fail(
    'ledger.otherContent',
    {
      transfer: wanted.id,
      field: columnName(differing, transfers.fields[differing]),
    },
    conflict(wanted.id, 'content'),
  )
}

function amountOfSpec(value: number): bigint {
  if (!Number.isInteger(value) || value <= 0 || value > NANO_LIMIT) throw fail('ledger.amountRange', { amount: value })
  return BigInt(value)
}

function withinRange(account: string, row: BalanceRow): BalanceRow {
  // Pending amounts count as if posted, so that posting them later, in any order, can never fail.
  const [debits, credits] = [row.debits + row.pendingDebits, row.credits + row.pendingCredits]
  const data = { data: { account } }
  if (debits - row.credits > LIMIT || credits - row.debits > LIMIT) throw fail('ledger.balanceRange', { account }, data)
  // No pending sum can pass what the balance may be; all that was ever moved can.
  if (row.pendingDebits > LIMIT || row.pendingCredits > LIMIT) throw fail('ledger.pendingRange', { account }, data)
  if (debits > TURNOVER_LIMIT || credits > TURNOVER_LIMIT) throw fail('ledger.turnoverRange', { account }, data)
  return row
}

function checkId(id: string): void {
  if (id.length === 0 || id.length > ID_LENGTH_MAX)
    throw fail('ledger.idLength', { max: ID_LENGTH_MAX, length: id.length })
}

const conflict = (transfer: string, reason: string): FailOptions => ({ data: { transfer, reason } })
const unknownAccount = (account: string): StokerError =>
  fail('ledger.accountUnknown', { account }, { data: { account } })
