/** The seller's side: its ledger, its chains of receipts, and that the one follows from the other. */
import { recordProblems } from '#core/ledger/index.ts'
import type { ReadDb } from '#db/db-types.ts'

import {
  auditBooks,
  auditChain,
  expectEqual,
  posted,
  sumOf,
  type ChainSums,
  type AuditProblems,
} from './audit-facts.ts'

export interface SellerAudit extends ChainSums {
  accounts: number
  transfers: number
  /** Available and held, as the ledger says. */
  available: bigint
  held: bigint
  /** Claims sent and not answered yet: pending, neither held nor available. */
  open: number
  /** Stored text of each receipt by its number. */
  texts: Map<number, string>
  releases: Map<number, { jobId: string; amount: bigint }>
}

interface ReceiptText {
  exchange: string
  seq: number
  json: string
  hash: string
}

const disputedJobs = (db: ReadDb): ReadonlySet<string> =>
  new Set(
    db
      .prepare<{ id: string }>('SELECT job_id AS id FROM jobs WHERE dispute IS NOT NULL')
      .all()
      .map(({ id }) => id),
  )

/** Verifies the chain of each exchange, and adds up what they bill; disputed receipts are in no sum. */
function sumChains(
  rows: readonly ReceiptText[],
  exchangeKey: string | null,
  disputed: ReadonlySet<string>,
  problems: AuditProblems,
): ChainSums {
  const total: ChainSums = {
    receipts: 0,
    tokensIn: 0,
    tokensOut: 0,
    gross: 0n,
    fee: 0n,
    seller: 0n,
    grossByInstrument: new Map(),
  }
  for (const [exchange, chain] of Map.groupBy(rows, (row) => row.exchange)) {
    const sums = auditChain(
      chain.map((row) => row.json),
      exchangeKey !== null && exchange === exchangeKey ? exchangeKey : null,
      'ours',
      problems,
      disputed,
    )
    if (sums.receipts !== chain.length)
      problems.add(`ours: ${chain.length - sums.receipts} receipts of ${exchange} could not be checked`)
    for (const name of ['receipts', 'tokensIn', 'tokensOut'] as const) total[name] += sums[name]
    for (const name of ['gross', 'fee', 'seller'] as const) total[name] += sums[name]
    for (const [instrument, gross] of sums.grossByInstrument)
      total.grossByInstrument.set(instrument, (total.grossByInstrument.get(instrument) ?? 0n) + gross)
  }
  return total
}

/**
 * `exchangeKey` is the pinned key of the one exchange this realm's audit compares with; chains of other exchanges are
 * verified too.
 */
export function auditSeller(db: ReadDb, exchangeKey: string | null, problems: AuditProblems): SellerAudit {
  const size = auditBooks(db, 'ours', problems)
  const rows = db.prepare<ReceiptText>('SELECT exchange, seq, json, hash FROM receipts ORDER BY exchange, seq').all()
  const disputed = disputedJobs(db)
  if (disputed.size > 0) problems.add(`ours: ${disputed.size} receipts are disputed and in no sum`)
  const total = sumChains(rows, exchangeKey, disputed, problems)
  const released = sumOf(
    db,
    'SELECT sum(amount_nano) AS sum FROM releases WHERE job_id NOT IN (SELECT job_id FROM jobs WHERE dispute IS NOT NULL)',
  )
  const [held, available] = [posted(db, 'asset:held'), posted(db, 'asset:available')]
  for (const [instrument, gross] of total.grossByInstrument)
    expectEqual(
      problems,
      `ours: income of ${instrument} and its receipts`,
      posted(db, `income:${instrument}`).credits,
      gross,
    )
  expectEqual(problems, 'ours: fees and their receipts', posted(db, 'expense:fee').debits, total.fee)
  expectEqual(problems, 'ours: available and the releases', available.debits - available.credits, released)
  expectEqual(
    problems,
    'ours: held and what receipts leave unreleased',
    held.debits - held.credits,
    total.seller - released,
  )
  for (const line of recordProblems(db)) problems.add(`ours: ${line}`)
  const mine = rows.filter((row) => row.exchange === exchangeKey)
  const releases = db
    .money<{ seq: bigint; job_id: string; amount_nano: bigint }>(
      'SELECT seq, job_id, amount_nano FROM releases WHERE exchange = ?',
    )
    .all(exchangeKey)
  return {
    ...total,
    ...size,
    available: available.debits - available.credits,
    held: held.debits - held.credits,
    open: Number(sumOf(db, "SELECT count(*) AS sum FROM jobs WHERE state IN ('running', 'claimed')")),
    texts: new Map(mine.map((row) => [row.seq, row.json])),
    releases: new Map(releases.map((row) => [Number(row.seq), { jobId: row.job_id, amount: row.amount_nano }])),
  }
}
