/**
 * Double entry over the caller's transaction. Every check comes before the first write, so that a caught error leaves
 * the transaction clean.
 */
import { StokerError } from '#contract/errors.ts'
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
    due: (db, now, limit) =>
      db
        .money<{
          id: string
          job_id: string | null
          reserved: bigint
        }>(`SELECT p.id, t.job_id, p.reserved FROM pendings p JOIN transfers t ON t.id = p.id
      WHERE p.state = 'open' AND p.expires_at <= ? ORDER BY p.expires_at, p.id LIMIT ?`)
        .all(now, limit)
        .map((row) => ({ id: row.id, jobId: row.job_id, amount: nanoFromBigInt(row.reserved) })),
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
    throw new StokerError('LEDGER_CONFLICT', `account ${spec.id} exists already with another kind, unit or limit`, {
      data: { account: spec.id, reason: 'account' },
    })
  }
  const unit = unitRow(db, wanted.unit)
  if (unit !== null && (unit.scale !== wanted.scale || unit.kind !== wanted.unitKind))
    throw new StokerError(
      'LEDGER_CONFLICT',
      `${unit.code} stands for ${unit.kind} of scale ${unit.scale} in these books, not for ${wanted.unitKind} of scale ${wanted.scale}`,
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
    throw conflict(spec.id, 'unit', `cannot move between ${debit.unit} (${debit.id}) and ${credit.unit} (${credit.id})`)
  if (debit.id === credit.id) throw conflict(spec.id, 'account', `needs two different accounts, both are ${debit.id}`)
  const pending = type === 'pending'
  const [debited, credited] = [balanceRow(db, debit.id)!, balanceRow(db, credit.id)!]
  if (debit.creditLimited && debited.credits - debited.debits - debited.pendingDebits < amount)
    throw conflict(spec.id, 'limit', `would bring ${debit.id} below zero`)
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
    throw new StokerError('LEDGER_UNKNOWN', `there is no pending transfer ${spec.pendingId}`, {
      data: { transfer: spec.pendingId },
    })
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
    throw new StokerError('LEDGER_CLOSED', `pending transfer ${spec.pendingId} was resolved already, by ${earlier}`, {
      data: { transfer: spec.pendingId, by: earlier },
    })
  if (amount > pending.amount)
    throw conflict(spec.id, 'reserve', `posts ${amount} where ${pending.amount} were reserved`)
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
  throw conflict(
    wanted.id,
    'content',
    `exists already with another ${columnName(differing, transfers.fields[differing])}`,
  )
}

function amountOfSpec(value: number): bigint {
  if (!Number.isInteger(value) || value <= 0 || value > NANO_LIMIT)
    throw new StokerError(
      'MONEY_RANGE',
      `a transfer must move between 1 and 2^51 of its unit's smallest parts, not ${value}`,
    )
  return BigInt(value)
}

function withinRange(account: string, row: BalanceRow): BalanceRow {
  // Pending amounts count as if posted, so that posting them later, in any order, can never fail.
  const [debits, credits] = [row.debits + row.pendingDebits, row.credits + row.pendingCredits]
  if (debits - row.credits > LIMIT || credits - row.debits > LIMIT)
    throw outOfRange(account, 'the balance', '2^51', 'move some of it away first')
  // No pending sum can pass what the balance may be; all that was ever moved can.
  if (row.pendingDebits > LIMIT || row.pendingCredits > LIMIT)
    throw outOfRange(account, 'what is pending', '2^51', 'resolve some of it first')
  if (debits > TURNOVER_LIMIT || credits > TURNOVER_LIMIT)
    throw outOfRange(account, 'the turnover', '2^62', 'close it and open a new one')
  return row
}

const outOfRange = (account: string, what: string, limit: string, todo: string): StokerError =>
  new StokerError('MONEY_RANGE', `${what} of account ${account} would pass ${limit} of its smallest parts; ${todo}`, {
    data: { account },
  })

function checkId(id: string): void {
  if (id.length === 0 || id.length > ID_LENGTH_MAX)
    throw new StokerError('BAD_REQUEST', `a ledger id has 1 to ${ID_LENGTH_MAX} characters, not ${id.length}`)
}

const conflict = (id: string, reason: string, what: string): StokerError =>
  new StokerError('LEDGER_CONFLICT', `transfer ${id} ${what}`, { data: { transfer: id, reason } })
const unknownAccount = (account: string): StokerError =>
  new StokerError('LEDGER_UNKNOWN', `there is no account ${account}`, { data: { account } })
