/**
 * What both sides of an audit report, and the sums they need. Every amount is a BigInt of nano-units while it is
 * summed.
 */
import { verifyReceipt } from '#books/receipts.ts'
import { checkBooksSliced } from '#books/books-check.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { ReadDb } from '#db/db-types.ts'
import type { Sliced } from '#lib/sliced.ts'

/** Lines kept; an audit that finds more has made its point. */
const PROBLEMS_MAX = 100

export interface AuditProblems {
  readonly lines: string[]
  add(line: string): void
}

export function collectAuditProblems(): AuditProblems {
  const lines: string[] = []
  return { lines, add: (line) => void (lines.length < PROBLEMS_MAX && lines.push(line)) }
}

/** What a damaged text is read as: nothing, which no check takes for a receipt. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Totals over one chain of receipts. */
export interface ChainSums {
  receipts: number
  tokensIn: number
  tokensOut: number
  gross: bigint
  fee: bigint
  seller: bigint
  grossByInstrument: Map<string, bigint>
}

/** Re-sums the ledger itself. */
export function* auditBooks(
  db: ReadDb,
  side: string,
  problems: AuditProblems,
): Sliced<{ accounts: number; transfers: number }> {
  const { problems: found, accounts, transfers } = yield* checkBooksSliced(db)
  for (const line of found) problems.add(`${side}: ${line}`)
  return { accounts, transfers }
}

export const noSums = (): ChainSums => ({
  receipts: 0,
  tokensIn: 0,
  tokensOut: 0,
  gross: 0n,
  fee: 0n,
  seller: 0n,
  grossByInstrument: new Map(),
})

/** One chain of receipts, verified in order, each against the one before; the first that does not verify ends it. */
export class ChainAudit {
  readonly sums = noSums()
  #prev: Receipt | null = null
  #broken = false
  readonly #exchangeKey: string | null
  readonly #side: string
  readonly #problems: AuditProblems

  constructor(exchangeKey: string | null, side: string, problems: AuditProblems) {
    this.#exchangeKey = exchangeKey
    this.#side = side
    this.#problems = problems
  }

  /** `text` is the stored canonical text; the receipt of a disputed job is in no sum of money. */
  add(text: string, disputed: boolean): void {
    if (this.#broken) return
    const { sums } = this
    const receipt = readJson(text) as Receipt
    const key = this.#exchangeKey === null ? {} : { exchangeKey: this.#exchangeKey }
    const verified = verifyReceipt(receipt, { prev: this.#prev, ...key })
    for (const problem of verified.problems)
      this.#problems.add(`${this.#side}: receipt ${sums.receipts + 1}: ${problem}`)
    this.#broken = !verified.ok
    if (this.#broken) return
    sums.receipts += 1
    this.#prev = receipt
    if (disputed) return
    sums.tokensIn += receipt.billed.inputTokens
    sums.tokensOut += receipt.billed.outputTokens
    sums.gross += BigInt(receipt.grossNano)
    sums.fee += BigInt(receipt.feeNano)
    sums.seller += BigInt(receipt.sellerNano)
    const { instrument } = receipt.claim
    sums.grossByInstrument.set(instrument, (sums.grossByInstrument.get(instrument) ?? 0n) + BigInt(receipt.grossNano))
  }
}

/** Debits and credits posted on an account; zero for an account that was never opened. */
export function posted(db: ReadDb, account: string): { debits: bigint; credits: bigint; pendingDebits: bigint } {
  const row = db
    .money<{ debits: bigint; credits: bigint; pending_debits: bigint }>(
      'SELECT debits, credits, pending_debits FROM balances WHERE account = ?',
    )
    .get(account)
  return { debits: row?.debits ?? 0n, credits: row?.credits ?? 0n, pendingDebits: row?.pending_debits ?? 0n }
}

export const sumOf = (db: ReadDb, sql: string, ...values: unknown[]): bigint =>
  db.money<{ sum: bigint | null }>(sql).get(...values)?.sum ?? 0n

/** Says that two amounts which must be equal are not. */
export function expectEqual(problems: AuditProblems, what: string, one: bigint, other: bigint): void {
  if (one !== other) problems.add(`${what}: ${one} against ${other} nano-units`)
}
