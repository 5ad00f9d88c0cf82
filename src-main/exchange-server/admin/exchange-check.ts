/**
 * Re-sums the exchange's side: books, every receipt of every chain, holds and releases against the accounts. Read only.
 */
import { verifyReceipt } from '#books/receipts.ts'
import type { Books } from '#books/books-types.ts'
import { onePrice, samePrice } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { ReadDb } from '#db/db-types.ts'

import { availableAccount, CLEARING, heldAccount } from '../exchange-accounts.ts'
import { jobTerms, reservedByJobs, unmatchedReceipts } from '../store/buyer-jobs.store.ts'
import { allSuppliers, heldAndReleased, receiptsAfter, type SupplierRow } from '../store/suppliers.store.ts'

const PAGE = 500
const PROBLEMS_MAX = 100

export interface CheckResult {
  ok: boolean
  problems: string[]
  accounts: number
  transfers: number
  receipts: number
  suppliers: number
}

export function checkExchange(db: ReadDb, books: Books, exchangeKey: string): CheckResult {
  const ledger = books.check(db)
  const problems = [...ledger.problems]
  let receipts = 0
  const suppliers = allSuppliers(db)
  for (const supplier of suppliers) {
    receipts += checkChain(db, supplier, exchangeKey, problems)
    checkBalances(db, books, supplier, problems)
    if (problems.length > PROBLEMS_MAX) break
  }
  for (const jobId of unmatchedReceipts(db))
    problems.push(`job ${jobId}: settled without a receipt, or a receipt without a settlement`)
  const clearing = books.balance(db, CLEARING)
  if (clearing.credits !== clearing.debits)
    problems.push(`clearing keeps ${clearing.credits - clearing.debits} that belong to somebody`)
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

function checkChain(db: ReadDb, supplier: SupplierRow, exchangeKey: string, problems: string[]): number {
  let prev: Receipt | null = null
  let count = 0
  for (
    let page = receiptsAfter(db, supplier.supplier, 0, PAGE);
    page.length > 0;
    page = receiptsAfter(db, supplier.supplier, count, PAGE)
  ) {
    for (const json of page) {
      const receipt = JSON.parse(json) as Receipt
      const verified = verifyReceipt(receipt, { exchangeKey, prev })
      for (const problem of verified.problems)
        problems.push(`receipt ${receipt.seq} of ${supplier.supplier}: ${problem}`)
      const terms = jobTerms(db, receipt.claim.jobId)
      if (
        terms === null ||
        !samePrice(terms.price, onePrice(receipt.priceNanoPerMtok)) ||
        terms.inputTokens !== receipt.billed.inputTokens ||
        receipt.billed.outputTokens > terms.maxTokens
      )
        problems.push(`receipt ${receipt.seq} of ${supplier.supplier} bills what was not agreed`)
      prev = receipt
      count += 1
    }
    if (problems.length > PROBLEMS_MAX) return count
  }
  if (count !== supplier.receiptSeq)
    problems.push(`${supplier.supplier} has ${count} receipts and a chain of ${supplier.receiptSeq}`)
  return count
}

function checkBalances(db: ReadDb, books: Books, { supplier }: SupplierRow, problems: string[]): void {
  const { held, released, earned } = heldAndReleased(db, supplier)
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
