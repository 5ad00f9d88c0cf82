/**
 * Re-sums the exchange's side: books, every receipt of every chain, holds and releases against the accounts. Read only,
 * in slices; all of them must see one snapshot.
 */
import { checkBooksSliced } from '#books/books-check.ts'
import { receiptPrice, verifyReceipt } from '#books/receipts.ts'
import type { Books } from '#books/books-types.ts'
import { samePrice } from '#contract/money.ts'
import { receipt as receiptSchema, type Receipt } from '#contract/receipt.ts'
import type { ReadDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { FIRST_ROW, readInSlices } from '#db/row-slices.ts'
import { finishInSlices, finishSlices, type Sliced, type SliceOptions } from '#lib/sliced.ts'

import { availableAccount, CLEARING, heldAccount, INCIDENTS } from '../exchange-accounts.ts'
import { exchangeMigrations } from '../exchange-db/index.ts'
import { jobTerms, reservedByJobs, unmatchedReceipts } from '../store/buyer-jobs.store.ts'
import { refundsIn } from '../store/refunds.store.ts'
import { allSuppliers, amountsOf, receiptsAfter, type SupplierRow } from '../store/suppliers.store.ts'

/** A receipt is two signatures to verify: so many take some milliseconds. */
const RECEIPTS = 25
const ROWS = 1_000
const PROBLEMS_MAX = 100
/** Jobs without their receipt, and the other way round, that are named. */
const UNMATCHED_MAX = 20

export interface CheckResult {
  ok: boolean
  problems: string[]
  accounts: number
  transfers: number
  receipts: number
  suppliers: number
}

/** All at once. */
export const checkExchange = (db: ReadDb, books: Books, exchangeKey: string): CheckResult =>
  finishSlices(checkExchangeSliced(db, books, exchangeKey))

/** A slice at a time from one snapshot of the file at `path`, on a connection of its own. */
export async function checkExchangeFile(
  path: string,
  books: Books,
  exchangeKey: string,
  options: SliceOptions = {},
): Promise<CheckResult> {
  const db = openDb({ path, migrations: exchangeMigrations, readOnly: true })
  try {
    db.read.prepare('BEGIN').run()
    return await finishInSlices(checkExchangeSliced(db.read, books, exchangeKey), options)
  } finally {
    db.close()
  }
}

/**
 * Texts of receipts, by number, of `count` numbers after one, that were verified already in their order: the same bytes
 * need no second look at their signatures.
 */
export type VerifiedReceipts = (supplier: string, after: number, count: number) => ReadonlyMap<number, string>

export function* checkExchangeSliced(
  db: ReadDb,
  books: Books,
  exchangeKey: string,
  verified: VerifiedReceipts = () => new Map(),
): Sliced<CheckResult> {
  const ledger = yield* checkBooksSliced(db)
  const problems = [...ledger.problems]
  let receipts = 0
  const suppliers = allSuppliers(db)
  const sums = yield* sumAmounts(db)
  for (const supplier of suppliers) {
    receipts += yield* checkChain(db, supplier, { exchangeKey, verified }, problems)
    checkBalances(db, books, supplier, sums, problems)
    if (problems.length > PROBLEMS_MAX) break
  }
  for (const jobId of yield* unmatched(db))
    problems.push(`job ${jobId}: settled without a receipt, or a receipt without a settlement`)
  const clearing = books.balance(db, CLEARING)
  if (clearing.credits !== clearing.debits)
    problems.push(`clearing keeps ${clearing.credits - clearing.debits} that belong to somebody`)
  yield* checkRefunds(db, problems)
  const reserved = reservedByJobs(db)
  if (BigInt(clearing.pendingCredits) !== reserved)
    problems.push(`buyers have ${clearing.pendingCredits} set aside, the running jobs need ${reserved}`)
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, PROBLEMS_MAX),
    accounts: ledger.accounts,
    transfers: ledger.transfers,
    receipts,
    suppliers: suppliers.length,
  }
}

function* checkChain(
  db: ReadDb,
  supplier: SupplierRow,
  { exchangeKey, verified }: { exchangeKey: string; verified: VerifiedReceipts },
  problems: string[],
): Sliced<number> {
  /** Undefined after one that could not be read: the next then has nothing to follow. */
  let prev: Receipt | null | undefined = null
  let count = 0
  for (
    let page = receiptsAfter(db, supplier.supplier, 0, RECEIPTS);
    page.length > 0;
    page = receiptsAfter(db, supplier.supplier, count, RECEIPTS)
  ) {
    const known = verified(supplier.supplier, count, page.length)
    for (const json of page) {
      count += 1
      const isKnown = known.get(count) === json
      const receipt = isKnown ? (JSON.parse(json) as Receipt) : readReceipt(json)
      const found = isKnown ? [] : problemsOf(receipt, prev, exchangeKey)
      for (const problem of found) problems.push(`receipt ${count} of ${supplier.supplier}: ${problem}`)
      prev = receipt
      if (receipt === undefined) continue
      const terms = jobTerms(db, receipt.claim.jobId)
      if (
        terms === null ||
        !samePrice(terms.price, receiptPrice(receipt)) ||
        terms.inputTokens !== receipt.billed.inputTokens ||
        receipt.billed.outputTokens > terms.maxTokens
      )
        problems.push(`receipt ${count} of ${supplier.supplier} bills what was not agreed`)
    }
    yield { part: 'receipts', rows: page.length, done: count, of: Math.max(count, supplier.receiptSeq) }
    if (problems.length > PROBLEMS_MAX) return count
  }
  if (count !== supplier.receiptSeq)
    problems.push(`${supplier.supplier} has ${count} receipts and a chain of ${supplier.receiptSeq}`)
  return count
}

/** `prev` is undefined where the receipt before could not be read. */
const problemsOf = (
  receipt: Receipt | undefined,
  prev: Receipt | null | undefined,
  exchangeKey: string,
): readonly string[] => verifyReceipt(receipt, { exchangeKey, ...(prev === undefined ? {} : { prev }) }).problems

/** Undefined for a text that is no receipt: its page was damaged. */
function readReceipt(json: string): Receipt | undefined {
  try {
    const value = JSON.parse(json) as Receipt
    return receiptSchema.safeParse(value).success ? value : undefined
  } catch {
    return undefined
  }
}

/** What holds, releases and receipts of each supplier add up to. */
interface SupplierAmounts {
  holds: bigint
  releases: bigint
  receipts: bigint
}

function* sumAmounts(db: ReadDb): Sliced<ReadonlyMap<string, SupplierAmounts>> {
  const sums = new Map<string, SupplierAmounts>()
  for (const table of ['holds', 'releases', 'receipts'] as const)
    yield* readInSlices(db, { part: 'sums', table, key: 'rowid', first: FIRST_ROW, rows: ROWS }, (bounds) => {
      for (const { supplier, sum } of amountsOf(db, table, bounds)) {
        const row = sums.get(supplier) ?? { holds: 0n, releases: 0n, receipts: 0n }
        row[table] += sum
        sums.set(supplier, row)
      }
    })
  return sums
}

function* unmatched(db: ReadDb): Sliced<string[]> {
  const found: string[] = []
  const jobs = { part: 'jobs', table: 'jobs', key: 'rowid', first: FIRST_ROW, rows: ROWS }
  yield* readInSlices(db, jobs, (bounds) => {
    if (found.length < UNMATCHED_MAX) found.push(...unmatchedReceipts(db, bounds))
  })
  return found.slice(0, UNMATCHED_MAX)
}

/** What buyers were paid back is what they had paid, and all of it is in the incident account. */
function* checkRefunds(db: ReadDb, problems: string[]): Sliced<void> {
  let refunded = 0n
  const refunds = { part: 'refunds', table: 'refunds', key: 'rowid', first: FIRST_ROW, rows: ROWS }
  yield* readInSlices(db, refunds, (bounds) => {
    const { sum, wrong } = refundsIn(db, bounds)
    refunded += sum
    for (const jobId of wrong.slice(0, UNMATCHED_MAX))
      problems.push(`job ${jobId}: its refund is not what its buyer paid`)
  })
  const booked = postedOn(db, INCIDENTS)
  if (booked !== refunded) problems.push(`incidents cost ${booked}, the refunds make ${refunded}`)
}

/** Debits less credits; 0 in books that an earlier version wrote and no start has opened the account in. */
const postedOn = (db: ReadDb, account: string): bigint =>
  db.money<{ sum: bigint }>('SELECT debits - credits AS sum FROM balances WHERE account = ?').get(account)?.sum ?? 0n

const NOTHING: SupplierAmounts = { holds: 0n, releases: 0n, receipts: 0n }

function checkBalances(
  db: ReadDb,
  books: Books,
  { supplier }: SupplierRow,
  sums: ReadonlyMap<string, SupplierAmounts>,
  problems: string[],
): void {
  const { holds: held, releases: released, receipts: earned } = sums.get(supplier) ?? NOTHING
  const balance = (account: string): bigint => {
    const { credits, debits } = books.balance(db, account)
    return credits - debits
  }
  if (balance(heldAccount(supplier)) !== held)
    problems.push(`held for ${supplier}: the ledger says ${balance(heldAccount(supplier))}, the holds ${held}`)
  if (balance(availableAccount(supplier)) !== released)
    problems.push(
      `available to ${supplier}: the ledger says ${balance(availableAccount(supplier))}, the releases ${released}`,
    )
  if (held + released !== earned)
    problems.push(`${supplier} earned ${earned}, but held and released make ${held + released}`)
}
