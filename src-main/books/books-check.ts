/**
 * The audit: everything re-summed from the transfers alone and held against the projections. It reads slices of
 * SLICE_ROWS rows, so that a ledger of any size can be checked beside other work; all slices must see one snapshot.
 */
import type { ReadDb } from '#db/db-types.ts'
import { FIRST_ROW, readInSlices } from '#db/row-slices.ts'
import { finishSlices, type Sliced } from '#lib/sliced.ts'

import type { Books, BooksCheck } from './books-types.ts'

const PROBLEMS_MAX = 100
/** Some milliseconds of reading. */
const SLICE_ROWS = 1_000

interface Sums {
  debits: bigint
  credits: bigint
  pendingDebits: bigint
  pendingCredits: bigint
}

/** Facts of each account by its own rows; an open pending is one that no transfer resolves. */
const SUMS = `
WITH slice AS (SELECT * FROM transfers WHERE seq > @after AND seq <= @upTo), lines (account, debits, credits, pendingDebits, pendingCredits) AS (
  SELECT debit, amount, 0, 0, 0 FROM slice WHERE type IN ('direct', 'post')
  UNION ALL SELECT credit, 0, amount, 0, 0 FROM slice WHERE type IN ('direct', 'post')
  UNION ALL SELECT debit, 0, 0, amount, 0 FROM slice t WHERE type = 'pending' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.pending_id = t.id)
  UNION ALL SELECT credit, 0, 0, 0, amount FROM slice t WHERE type = 'pending' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.pending_id = t.id)
)
SELECT account, sum(debits) AS debits, sum(credits) AS credits, sum(pendingDebits) AS pendingDebits, sum(pendingCredits) AS pendingCredits
FROM lines GROUP BY account`

/** Each row of a query is one problem of a transfer `t` in the slice. */
const OF_TRANSFERS = 't.seq > @after AND t.seq <= @upTo'
const FAULTS: readonly (readonly [sql: string, text: string])[] = [
  [
    `SELECT t.pending_id AS id FROM transfers t WHERE ${OF_TRANSFERS} AND t.pending_id IS NOT NULL AND (SELECT count(*) FROM transfers o WHERE o.pending_id = t.pending_id AND o.seq < t.seq) = 1`,
    'is resolved more than once',
  ],
  [
    `SELECT t.id FROM transfers t LEFT JOIN transfers p ON p.id = t.pending_id AND p.type = 'pending' WHERE ${OF_TRANSFERS} AND t.pending_id IS NOT NULL AND (p.id IS NULL OR t.amount > p.amount OR t.debit <> p.debit OR t.credit <> p.credit)`,
    'does not fit the pending transfer it resolves',
  ],
  [
    `SELECT t.id FROM transfers t LEFT JOIN pendings p ON p.id = t.id LEFT JOIN transfers r ON r.pending_id = t.id WHERE ${OF_TRANSFERS} AND t.type = 'pending' AND (
      p.id IS NULL OR p.reserved <> t.amount OR p.state <> CASE r.type WHEN 'post' THEN 'posted' WHEN 'void' THEN 'voided' ELSE 'open' END OR p.posted <> CASE r.type WHEN 'post' THEN r.amount ELSE 0 END)`,
    'has a pending state its transfers do not show',
  ],
  [
    `SELECT t.id FROM transfers t LEFT JOIN accounts d ON d.id = t.debit AND d.currency = t.currency LEFT JOIN accounts c ON c.id = t.credit AND c.currency = t.currency WHERE ${OF_TRANSFERS} AND (d.id IS NULL OR c.id IS NULL)`,
    'names an account its unit does not have',
  ],
  [`SELECT t.id FROM transfers t WHERE ${OF_TRANSFERS} AND (t.amount <= 0 OR t.debit = t.credit)`, 'moves nothing'],
]

/** Re-sums every account; `problems` is empty exactly when `ok`, and holds at most PROBLEMS_MAX lines. */
export const checkBooks: Books['check'] = (db) => finishSlices(checkBooksSliced(db))

/** The same in slices. */
export function* checkBooksSliced(db: ReadDb): Sliced<BooksCheck> {
  const { sums, faults, transfers } = yield* readTransfers(db)
  const pendings = yield* readPendings(db)
  const { problems, accounts } = yield* readAccounts(db, sums)
  const lines = [...problems.accounts, ...faults, ...pendings, ...problems.currencies].slice(0, PROBLEMS_MAX)
  return { ok: lines.length === 0, problems: lines, accounts, transfers }
}

function* readTransfers(db: ReadDb) {
  const sums = new Map<string, Sums>()
  const found = FAULTS.map((): string[] => [])
  const slices = readInSlices(
    db,
    { part: 'transfers', table: 'transfers', key: 'seq', first: FIRST_ROW, rows: SLICE_ROWS },
    (bounds) => {
      for (const { account, ...row } of db.money<Sums & { account: string }>(SUMS).all(bounds)) {
        const sum = sums.get(account)
        if (sum === undefined) sums.set(account, row)
        else for (const side of Object.keys(row) as (keyof Sums)[]) sum[side] += row[side]
      }
      for (const [index, [sql, text]] of FAULTS.entries()) {
        const lines = found[index]!
        if (lines.length >= PROBLEMS_MAX) continue
        for (const { id } of db.money<{ id: string }>(sql).all(bounds)) lines.push(`transfer ${id} ${text}`)
      }
    },
  )
  const transfers = yield* slices
  return { sums, faults: found.flat(), transfers }
}

function* readPendings(db: ReadDb) {
  const found: string[] = []
  yield* readInSlices(
    db,
    { part: 'pending transfers', table: 'pendings', key: 'id', first: '', rows: SLICE_ROWS },
    (bounds) => {
      if (found.length >= PROBLEMS_MAX) return
      const lost = db.money<{ id: string }>(
        "SELECT p.id FROM pendings p LEFT JOIN transfers t ON t.id = p.id AND t.type = 'pending' WHERE p.id > @after AND p.id <= @upTo AND t.id IS NULL",
      )
      for (const { id } of lost.all(bounds)) found.push(`transfer ${id} is pending without a transfer`)
    },
  )
  return found
}

interface AccountSums extends Partial<Sums> {
  account: string
  currency: string
  creditLimited: bigint
  hasBalance: bigint
}

const ACCOUNTS = `SELECT a.id AS account, a.currency, a.credit_limited AS creditLimited, b.account IS NOT NULL AS hasBalance,
  b.debits, b.credits, b.pending_debits AS pendingDebits, b.pending_credits AS pendingCredits
  FROM accounts a LEFT JOIN balances b ON b.account = a.id WHERE a.id > @after AND a.id <= @upTo ORDER BY a.id`

const NONE: Sums = { debits: 0n, credits: 0n, pendingDebits: 0n, pendingCredits: 0n }

function* readAccounts(db: ReadDb, sums: ReadonlyMap<string, Sums>) {
  const problems: string[] = []
  const apart = new Map<string, { posted: bigint; pending: bigint }>()
  const accounts = yield* readInSlices(
    db,
    { part: 'accounts', table: 'accounts', key: 'id', first: '', rows: SLICE_ROWS },
    (bounds) => {
      for (const row of db.money<AccountSums>(ACCOUNTS).all(bounds)) {
        if (problems.length < PROBLEMS_MAX) problems.push(...accountProblems(row, sums.get(row.account) ?? NONE))
        if (row.hasBalance === 0n) continue
        const total = apart.get(row.currency) ?? { posted: 0n, pending: 0n }
        total.posted += row.debits! - row.credits!
        total.pending += row.pendingDebits! - row.pendingCredits!
        apart.set(row.currency, total)
      }
    },
  )
  const currencies = [...apart]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([currency, { posted, pending }]) => [
      ...(posted === 0n ? [] : [`${currency}: debits and credits are ${posted} apart`]),
      ...(pending === 0n ? [] : [`${currency}: pending debits and credits are ${pending} apart`]),
    ])
  return { problems: { accounts: problems, currencies }, accounts }
}

function accountProblems(row: AccountSums, sum: Sums): string[] {
  const same = (Object.keys(NONE) as (keyof Sums)[]).every((side) => row[side] === sum[side])
  return [
    ...(row.hasBalance === 0n ? [`account ${row.account} has no balance`] : []),
    ...(row.hasBalance === 1n && !same ? [`account ${row.account}: the balance is not the sum of its transfers`] : []),
    ...(row.creditLimited === 1n && sum.credits - sum.debits - sum.pendingDebits < 0n
      ? [`account ${row.account} is below zero`]
      : []),
  ]
}
