/** The audit: everything re-summed from the transfers alone and held against the projections. */
import type { ReadDb } from '#db/db-types.ts'

import type { Books } from './books-types.ts'

const PROBLEMS_MAX = 100

interface SumRow {
  account: string
  debits: bigint
  credits: bigint
  pending_debits: bigint
  pending_credits: bigint
  credit_limited: bigint
  has_balance: bigint
  same: bigint
}

/** Facts of each account by its own rows; an open pending is one that no transfer resolves. */
const SUMS = `
WITH lines (account, debits, credits, pending_debits, pending_credits) AS (
  SELECT debit, amount, 0, 0, 0 FROM transfers WHERE type IN ('direct', 'post')
  UNION ALL SELECT credit, 0, amount, 0, 0 FROM transfers WHERE type IN ('direct', 'post')
  UNION ALL SELECT debit, 0, 0, amount, 0 FROM transfers t WHERE type = 'pending' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.pending_id = t.id)
  UNION ALL SELECT credit, 0, 0, 0, amount FROM transfers t WHERE type = 'pending' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.pending_id = t.id)
), sums AS (
  SELECT a.id AS account, a.credit_limited, coalesce(sum(l.debits), 0) AS debits, coalesce(sum(l.credits), 0) AS credits,
    coalesce(sum(l.pending_debits), 0) AS pending_debits, coalesce(sum(l.pending_credits), 0) AS pending_credits
  FROM accounts a LEFT JOIN lines l ON l.account = a.id GROUP BY a.id
)
SELECT s.*, b.account IS NOT NULL AS has_balance,
  b.debits IS s.debits AND b.credits IS s.credits AND b.pending_debits IS s.pending_debits AND b.pending_credits IS s.pending_credits AS same
FROM sums s LEFT JOIN balances b ON b.account = s.account`

/** Each row of a query is one problem; the ids come first. */
const FAULTS: readonly (readonly [sql: string, text: string])[] = [
  [
    'SELECT pending_id AS id FROM transfers WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING count(*) > 1',
    'is resolved more than once',
  ],
  [
    "SELECT r.id FROM transfers r LEFT JOIN transfers p ON p.id = r.pending_id AND p.type = 'pending' WHERE r.pending_id IS NOT NULL AND (p.id IS NULL OR r.amount > p.amount OR r.debit <> p.debit OR r.credit <> p.credit)",
    'does not fit the pending transfer it resolves',
  ],
  [
    `SELECT t.id FROM transfers t LEFT JOIN pendings p ON p.id = t.id LEFT JOIN transfers r ON r.pending_id = t.id WHERE t.type = 'pending' AND (
      p.id IS NULL OR p.reserved <> t.amount OR p.state <> CASE r.type WHEN 'post' THEN 'posted' WHEN 'void' THEN 'voided' ELSE 'open' END OR p.posted <> CASE r.type WHEN 'post' THEN r.amount ELSE 0 END)`,
    'has a pending state its transfers do not show',
  ],
  [
    "SELECT p.id FROM pendings p LEFT JOIN transfers t ON t.id = p.id AND t.type = 'pending' WHERE t.id IS NULL",
    'is pending without a transfer',
  ],
  [
    'SELECT t.id FROM transfers t LEFT JOIN accounts d ON d.id = t.debit AND d.currency = t.currency LEFT JOIN accounts c ON c.id = t.credit AND c.currency = t.currency WHERE d.id IS NULL OR c.id IS NULL',
    'names an account its unit does not have',
  ],
  ['SELECT id FROM transfers WHERE amount <= 0 OR debit = credit', 'moves nothing'],
]

/** Re-sums every account; `problems` is empty exactly when `ok`, and holds at most PROBLEMS_MAX lines. */
export const checkBooks: Books['check'] = (db) => {
  const problems: string[] = []
  const note = (problem: string): void => {
    if (problems.length < PROBLEMS_MAX) problems.push(problem)
  }
  for (const row of db.money<SumRow>(SUMS).all()) {
    if (row.has_balance === 0n) note(`account ${row.account} has no balance`)
    else if (row.same === 0n) note(`account ${row.account}: the balance is not the sum of its transfers`)
    if (row.credit_limited === 1n && row.credits - row.debits - row.pending_debits < 0n)
      note(`account ${row.account} is below zero`)
  }
  for (const [sql, text] of FAULTS)
    for (const { id } of db.money<{ id: string }>(`${sql} LIMIT ${PROBLEMS_MAX}`).all()) note(`transfer ${id} ${text}`)
  for (const row of db
    .money<{
      currency: string
      apart: bigint
      pending_apart: bigint
    }>(`SELECT a.currency, sum(b.debits - b.credits) AS apart, sum(b.pending_debits - b.pending_credits) AS pending_apart
    FROM balances b JOIN accounts a ON a.id = b.account GROUP BY a.currency`)
    .all()) {
    if (row.apart !== 0n) note(`${row.currency}: debits and credits are ${row.apart} apart`)
    if (row.pending_apart !== 0n) note(`${row.currency}: pending debits and credits are ${row.pending_apart} apart`)
  }
  return { ok: problems.length === 0, problems, accounts: count(db, 'accounts'), transfers: count(db, 'transfers') }
}

const count = (db: ReadDb, table: 'accounts' | 'transfers'): number =>
  db.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).get()!.n
