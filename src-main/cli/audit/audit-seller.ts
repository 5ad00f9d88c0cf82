/** The seller's side: its ledger, its chains of receipts, and that the one follows from the other. */
import { recordProblemsSliced } from '#core/ledger/index.ts'
import type { ReadDb } from '#db/db-types.ts'
import { FIRST_ROW, readInSlices } from '#db/row-slices.ts'
import type { Sliced } from '#lib/sliced.ts'

import {
  auditBooks,
  ChainAudit,
  expectEqual,
  noSums,
  posted,
  sumOf,
  type AuditProblems,
  type ChainSums,
} from './audit-facts.ts'

export interface SellerAudit extends ChainSums {
  accounts: number
  transfers: number
  /** Available and held, as the ledger says. */
  available: bigint
  held: bigint
  /** Claims sent and not answered yet: pending, neither held nor available. */
  open: number
}

/** A receipt is two signatures to verify: so many take some milliseconds. */
const RECEIPTS = 25
const RELEASES = 1_000

const RECEIPTS_PAGE = `SELECT r.exchange, r.supplier, r.seq, r.json, (SELECT dispute IS NOT NULL FROM jobs j WHERE j.job_id = r.job_id) AS disputed
  FROM receipts r WHERE (r.exchange, r.supplier, r.seq) > (?, ?, ?) ORDER BY r.exchange, r.supplier, r.seq LIMIT ${RECEIPTS}`

/** Verifies each chain, one per exchange and own key, and adds up what they bill; disputed receipts are in no sum. */
function* sumChains(db: ReadDb, exchangeKey: string | null, problems: AuditProblems): Sliced<ChainSums> {
  const chains = new Map<string, { audit: ChainAudit; rows: number }>()
  const { last } = db.prepare<{ last: number | null }>('SELECT max(rowid) AS last FROM receipts').get()!
  const read = db.prepare<{ exchange: string; supplier: string; seq: number; json: string; disputed: number }>(
    RECEIPTS_PAGE,
  )
  let done = 0
  for (let after = { exchange: '', supplier: '', seq: 0 }; ;) {
    const page = read.all(after.exchange, after.supplier, after.seq)
    for (const { exchange, supplier, json, disputed } of page) {
      const key = exchangeKey === exchange ? exchangeKey : null
      const name = `${exchange} for ${supplier}`
      const chain = chains.get(name) ?? { audit: new ChainAudit(key, 'ours', problems), rows: 0 }
      chains.set(name, chain)
      chain.rows += 1
      chain.audit.add(json, disputed === 1)
    }
    done += page.length
    yield { part: 'receipts', rows: page.length, done, of: Math.max(last ?? 0, done) }
    const final = page.at(-1)
    if (final === undefined || page.length < RECEIPTS) break
    after = final
  }
  const total = noSums()
  for (const [name, { audit, rows }] of chains) {
    const { sums } = audit
    if (sums.receipts !== rows) problems.add(`ours: ${rows - sums.receipts} receipts of ${name} could not be checked`)
    for (const count of ['receipts', 'tokensIn', 'tokensOut'] as const) total[count] += sums[count]
    for (const sum of ['gross', 'fee', 'seller'] as const) total[sum] += sums[sum]
    for (const [instrument, gross] of sums.grossByInstrument)
      total.grossByInstrument.set(instrument, (total.grossByInstrument.get(instrument) ?? 0n) + gross)
  }
  return total
}

const netOf = (db: ReadDb, account: string): bigint => {
  const { debits, credits } = posted(db, account)
  return debits - credits
}

/** Releases of jobs that are not disputed. */
function* sumReleases(db: ReadDb): Sliced<bigint> {
  let sum = 0n
  const releases = { part: 'releases', table: 'releases', key: 'rowid', first: FIRST_ROW, rows: RELEASES }
  yield* readInSlices(db, releases, ({ after, upTo }) => {
    sum += sumOf(
      db,
      `SELECT sum(amount_nano) AS sum FROM releases r WHERE r.rowid > ? AND r.rowid <= ?
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = r.job_id AND j.dispute IS NOT NULL)`,
      after,
      upTo,
    )
  })
  return sum
}

/**
 * `exchangeKey` is the pinned key of the one exchange this realm's audit compares with; chains of other exchanges are
 * verified too.
 */
export function* auditSeller(db: ReadDb, exchangeKey: string | null, problems: AuditProblems): Sliced<SellerAudit> {
  const size = yield* auditBooks(db, 'ours', problems)
  const disputed = sumOf(db, 'SELECT count(*) AS sum FROM jobs WHERE dispute IS NOT NULL')
  if (disputed > 0n) problems.add(`ours: ${disputed} receipts are disputed and in no sum`)
  const total = yield* sumChains(db, exchangeKey, problems)
  const released = yield* sumReleases(db)
  const writtenOff = sumOf(db, 'SELECT sum(seller_nano) AS sum FROM jobs WHERE written_off_at IS NOT NULL')
  expectEqual(problems, 'ours: written off and its jobs', netOf(db, 'expense:written-off'), writtenOff)
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
    total.seller - released - writtenOff,
  )
  for (const line of yield* recordProblemsSliced(db)) problems.add(`ours: ${line}`)
  return {
    ...total,
    ...size,
    available: available.debits - available.credits,
    held: held.debits - held.credits,
    open: Number(sumOf(db, "SELECT count(*) AS sum FROM jobs WHERE state IN ('running', 'claimed')")),
  }
}
