/**
 * Our own side of the ledger check: books, the chain of receipts, sums of jobs against accounts, and the charts' hours.
 * Read only.
 */
import { checkBooksSliced } from '#books/books-check.ts'
import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { VenueContext } from '#core/core-context.ts'
import { AVAILABLE, FEE, findJob, HELD, PAID, RECEIVED, receiptsPage, WRITTEN_OFF } from '#core/jobs/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { checkFile } from '#db/check-file.ts'
import { openDb } from '#db/open.ts'
import { FIRST_ROW, readInSlices } from '#db/row-slices.ts'
import { finishInSlices, type Sliced, type SliceOptions } from '#lib/sliced.ts'

import { recordProblemsSliced } from './records.store.ts'

/** A receipt is two signatures to verify: so many take some milliseconds. */
const RECEIPTS = 25
const SUM_ROWS = 1_000
const PROBLEMS_MAX = 100

export interface OwnCheck {
  problems: string[]
  accounts: number
  transfers: number
  receipts: number
}

/**
 * Everything from one snapshot on a connection of its own, a slice at a time, so that work and screens go on meanwhile.
 * Throws the signal's reason when that ends it.
 */
export async function checkOwnSide(
  { realmDb, books }: Pick<VenueContext, 'realmDb' | 'books'>,
  options: SliceOptions = {},
): Promise<OwnCheck> {
  const db = openDb({ path: realmDb.path, migrations: realmMigrations, readOnly: true })
  try {
    // The first statement after it takes the snapshot; the end of the connection gives it back.
    db.read.prepare('BEGIN').run()
    return await finishInSlices(ownSideSliced(db.read, books), options)
  } finally {
    db.close()
  }
}

/**
 * Damage of the file's pages, a line each; none for a database that is no file. On a thread of its own, minutes for
 * millions of jobs; `onTick` every two seconds with the seconds so far. Throws the signal's reason when that ends it.
 */
export const checkPages = async (
  { realmDb: { path } }: Pick<VenueContext, 'realmDb'>,
  { signal, onTick }: { signal?: AbortSignal | undefined; onTick: (seconds: number) => void },
): Promise<string[]> =>
  path === ':memory:' ? [] : checkFile(path, 'full', { onTick, ...(signal === undefined ? {} : { signal }) })

export function* ownSideSliced(db: Read, books: VenueContext['books']): Sliced<OwnCheck> {
  const { problems: ofBooks, accounts, transfers } = yield* checkBooksSliced(db)
  const problems = [...ofBooks, ...(yield* sumProblems(db, books)), ...(yield* recordProblemsSliced(db))]
  const { last } = db.prepare<{ last: number | null }>('SELECT max(rowid) AS last FROM receipts').get()!
  let receipts = 0
  let prev: Receipt | null = null
  for (let after = { exchange: '', supplier: '', seq: 0 }; problems.length < PROBLEMS_MAX;) {
    const page = receiptsPage(db, after, RECEIPTS)
    for (const row of page) {
      const receipt = readReceipt(row.json)
      if (receipt === null) {
        problems.push(`receipt ${row.seq}: its text is damaged`)
        prev = null
        continue
      }
      if (prev !== null && (prev.exchange !== row.exchange || prev.claim.supplier !== row.supplier)) prev = null
      problems.push(...receiptProblems(db, receipt, row.hash, prev))
      prev = receipt
    }
    receipts += page.length
    yield { part: 'receipts', rows: page.length, done: receipts, of: Math.max(last ?? 0, receipts) }
    const end = page.at(-1)
    if (end === undefined || page.length < RECEIPTS) break
    after = { exchange: end.exchange, supplier: end.supplier, seq: end.seq }
  }
  return { problems: problems.slice(0, PROBLEMS_MAX), accounts, transfers, receipts }
}

/** Null for a text that is none: its page was damaged. */
function readReceipt(json: string): Receipt | null {
  try {
    return JSON.parse(json) as Receipt
  } catch {
    return null
  }
}

type Read = VenueContext['realmDb']['read']

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

const JOB_SUMS = `SELECT sum(gross_nano) FILTER (WHERE state = 'settled') AS gross, sum(fee_nano) FILTER (WHERE state = 'settled') AS fee,
  sum(seller_nano) FILTER (WHERE state = 'settled') AS seller, sum(seller_nano) FILTER (WHERE written_off_at IS NOT NULL) AS writtenOff, sum(gross_nano) FILTER (WHERE state = 'claimed') AS pending
  FROM jobs WHERE rowid > @after AND rowid <= @upTo`
/** Of a disputed job nothing was booked, so nothing is released. */
const RELEASED = `SELECT sum(amount_nano) AS released FROM releases r WHERE r.rowid > @after AND r.rowid <= @upTo
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = r.job_id AND j.dispute IS NOT NULL)`

/** On a venue without receipts. */
const PAID_OUT = `SELECT sum(amount_nano) AS released FROM statement_lines l WHERE l.rowid > @after AND l.rowid <= @upTo
  AND l.booked = 1 AND l.state <> 'accrued'`

/** What receipts, releases, statements and claims add up to, against the accounts. */
function* sumProblems(db: Read, books: VenueContext['books']): Sliced<string[]> {
  const sums = { gross: 0n, fee: 0n, seller: 0n, pending: 0n, released: 0n, writtenOff: 0n }
  for (const [table, sql] of [
    ['jobs', JOB_SUMS],
    ['releases', RELEASED],
    ['statement_lines', PAID_OUT],
  ] as const)
    yield* readInSlices(db, { part: 'sums', table, key: 'rowid', first: FIRST_ROW, rows: SUM_ROWS }, (bounds) => {
      const row = db.money<Partial<Record<keyof typeof sums, bigint | null>>>(sql).get(bounds)!
      for (const name of Object.keys(row) as (keyof typeof sums)[]) sums[name] += row[name] ?? 0n
    })
  const net = (account: string): bigint => {
    const { debits, credits } = books.balance(db, account)
    return debits - credits
  }
  const held = books.balance(db, HELD)
  // What a venue without receipts paid out left the available money.
  const has = (account: string): boolean => db.prepare('SELECT 1 FROM accounts WHERE id = ?').get(account) !== undefined
  const free = [AVAILABLE, ...[PAID, RECEIVED].filter(has)].reduce((sum, account) => sum + net(account), 0n)
  const off = has(WRITTEN_OFF) ? net(WRITTEN_OFF) : 0n
  const expected: [string, bigint, bigint][] = [
    ['held', net(HELD), sums.seller - sums.released - sums.writtenOff],
    ['available', free, sums.released],
    ['fees', net(FEE), sums.fee],
    ['pending', BigInt(held.pendingDebits) - BigInt(held.pendingCredits), sums.pending],
    ['written off', off, sums.writtenOff],
    ['gross', net(HELD) + free + net(FEE) + off, sums.gross],
  ]
  return expected
    .filter(([, account, jobs]) => account !== jobs)
    .map(([name, account, jobs]) => `${name}: the accounts say ${account}, the jobs ${jobs}`)
}
