/**
 * Our own side of the ledger check: books, the chain of receipts, sums of jobs against accounts, and the charts' hours.
 * Read only.
 */
import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { CoreContext } from '#core/core-context.ts'
import { AVAILABLE, FEE, findJob, HELD, moneySums, receiptsPage } from '#core/jobs/index.ts'

import { recordProblems } from './records.store.ts'

const PAGE = 200
const PROBLEMS_MAX = 100

export interface OwnCheck {
  problems: string[]
  accounts: number
  transfers: number
  receipts: number
}

/** Verifies every receipt, page by page so that other work goes on between two. */
export async function checkOwnSide({ realmDb, books }: Pick<CoreContext, 'realmDb' | 'books'>): Promise<OwnCheck> {
  const ledger = books.check(realmDb.read)
  const problems = [...ledger.problems, ...sumProblems(realmDb.read, books), ...recordProblems(realmDb.read)]
  let receipts = 0
  let prev: Receipt | null = null
  for (let after = { exchange: '', seq: 0 }; problems.length < PROBLEMS_MAX;) {
    const page = receiptsPage(realmDb.read, after, PAGE)
    for (const row of page) {
      const receipt = JSON.parse(row.json) as Receipt
      if (prev !== null && prev.exchange !== receipt.exchange) prev = null
      problems.push(...receiptProblems(realmDb.read, receipt, row.hash, prev))
      prev = receipt
      receipts += 1
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    after = { exchange: last.exchange, seq: last.seq }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { problems: problems.slice(0, PROBLEMS_MAX), accounts: ledger.accounts, transfers: ledger.transfers, receipts }
}

type Read = CoreContext['realmDb']['read']

function receiptProblems(db: Read, receipt: Receipt, hash: string, prev: Receipt | null): string[] {
  const name = `receipt ${receipt.seq}`
  const problems = verifyReceipt(receipt, { prev }).problems.map((problem) => `${name}: ${problem}`)
  if (receiptHash(receipt) !== hash) problems.push(`${name}: it does not have the hash it was stored under`)
  const job = findJob(db, receipt.claim.jobId)
  if (
    (job?.state !== 'settled' && job?.state !== 'disputed') ||
    job.receiptSeq !== receipt.seq ||
    job.grossNano !== receipt.grossNano ||
    job.sellerNano !== receipt.sellerNano
  )
    problems.push(`${name}: its job says otherwise`)
  return problems
}

function sumProblems(db: Read, books: CoreContext['books']): string[] {
  const sums = moneySums(db)
  const net = (account: string): bigint => {
    const { debits, credits } = books.balance(db, account)
    return debits - credits
  }
  const held = books.balance(db, HELD)
  const expected: [string, bigint, bigint][] = [
    ['held', net(HELD), sums.seller - sums.released],
    ['available', net(AVAILABLE), sums.released],
    ['fees', net(FEE), sums.fee],
    ['pending', BigInt(held.pendingDebits) - BigInt(held.pendingCredits), sums.pending],
    ['gross', net(HELD) + net(AVAILABLE) + net(FEE), sums.gross],
  ]
  return expected
    .filter(([, account, jobs]) => account !== jobs)
    .map(([name, account, jobs]) => `${name}: the accounts say ${account}, the jobs ${jobs}`)
}
