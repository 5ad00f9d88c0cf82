/** Whether the exchange's view of one supplier is the supplier's own. */
import type { ReadDb } from '#db/db-types.ts'
import type { Sliced } from '#lib/sliced.ts'

import type { AuditProblems } from './audit-facts.ts'

const PAGE = 500

interface Numbered {
  seq: bigint
}

/** The next page by number: what both sides have up to the last number of ours. */
function* pages<Row extends Numbered>(
  ours: (after: bigint) => Row[],
  theirs: (after: bigint, upTo: bigint) => Row[],
  part: string,
  compareRow: (mine: Row, other: Row | undefined) => void,
): Sliced<number> {
  let done = 0
  for (let after = 0n; ;) {
    const page = ours(after)
    const last = page.at(-1)
    if (last === undefined) return done
    const known = new Map(theirs(after, last.seq).map((row) => [row.seq, row]))
    for (const row of page) compareRow(row, known.get(row.seq))
    done += page.length
    yield { part, rows: page.length, done, of: done }
    after = last.seq
  }
}

interface ReceiptText extends Numbered {
  json: string
}
interface ReleaseFacts extends Numbered {
  job_id: string
  amount_nano: bigint
}

/**
 * What the exchange holds of this supplier, against what the supplier holds of this exchange: byte for byte. The
 * exchange settles first, so it may be ahead by what is on its way; it may never lack or differ. Returns how far ahead
 * it is.
 */
export function* compare(
  { ours, exchangeKey }: { ours: ReadDb; exchangeKey: string | null },
  { exchange, supplier }: { exchange: ReadDb; supplier: string },
  problems: AuditProblems,
): Sliced<{ receipts: number; releases: number }> {
  const mine =
    <Row>(columns: string, table: string) =>
    (after: bigint): Row[] =>
      ours
        .money<Row>(`SELECT ${columns} FROM ${table}
            WHERE exchange = ? AND supplier = ? AND seq > ? ORDER BY seq LIMIT ${PAGE}`)
        .all(exchangeKey, supplier, after)
  const theirs =
    <Row>(columns: string, table: string) =>
    (after: bigint, upTo: bigint): Row[] =>
      exchange
        .money<Row>(`SELECT ${columns} FROM ${table} WHERE supplier = ? AND seq > ? AND seq <= ?`)
        .all(supplier, after, upTo)
  const count = (table: string): number =>
    exchange.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE supplier = ?`).get(supplier)!.n

  const receipts = yield* pages<ReceiptText>(
    mine('seq, json', 'receipts'),
    theirs('seq, json', 'receipts'),
    'comparing receipts',
    ({ seq, json }, other) => {
      if (other === undefined) problems.add(`compared: we hold receipt ${seq}, the exchange does not`)
      else if (other.json !== json) problems.add(`compared: receipt ${seq} is not the same on both sides`)
    },
  )
  const releases = yield* pages<ReleaseFacts>(
    mine('seq, job_id, amount_nano', 'releases'),
    theirs('seq, job_id, amount_nano', 'releases'),
    'comparing releases',
    (row, other) => {
      if (other?.job_id !== row.job_id || other.amount_nano !== row.amount_nano)
        problems.add(`compared: release ${row.seq} is not the same on both sides`)
    },
  )
  return { receipts: count('receipts') - receipts, releases: count('releases') - releases }
}
