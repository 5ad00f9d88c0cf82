/** Our records against each other, row by row: what a sum alone would not notice. Read only, in slices. */
import { transferIdsSql, type TransferStep } from '#books/transfer-ids.ts'
import { QUARTER_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { FIRST_ROW, readInSlices } from '#db/row-slices.ts'
import { finishSlices, type Sliced } from '#lib/sliced.ts'

type Read = VenueContext['realmDb']['read']

/** Each row found is one problem; the text names what `id` is. At most SHOWN of a kind are reported. */
const SHOWN = 20
/** Some milliseconds of reading: a job's look-ups are a dozen. */
const SLICE_ROWS = 250
/** Hours and receipts by the thousand are read as fast. */
const SUM_ROWS = 1_000

/** The amount a transfer moved, 0 when there is none: an amount of zero moves nothing. */
const moved = (step: TransferStep): string =>
  `coalesce((SELECT sum(amount) FROM transfers WHERE id IN ${transferIdsSql([step], 'j.job_id')} AND type <> 'void'), 0)`

/** Its evidence is no line of a statement. */
const NO_LINE = 'NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.job_id = j.job_id AND l.booked = 1)'
/** Of a job `j` in the slice. */
const OF_JOBS = 'j.rowid > @after AND j.rowid <= @upTo'
const FAULTS: readonly (readonly [sql: string, text: string])[] = [
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id AND r.exchange = j.exchange AND r.seq = j.receipt_seq WHERE ${OF_JOBS} AND j.state = 'settled' AND r.seq IS NULL AND ${NO_LINE}`,
    'is settled and has no receipt',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN receipts r ON r.job_id = j.job_id WHERE ${OF_JOBS} AND j.state <> 'settled' AND j.dispute IS NULL`,
    'has a receipt and is neither settled nor disputed',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id WHERE ${OF_JOBS} AND j.dispute IS NOT NULL AND r.seq IS NULL`,
    'is disputed and has no receipt',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j WHERE ${OF_JOBS} AND j.state = 'settled' AND (${moved('post')} <> j.gross_nano OR ${moved('fee')} <> j.fee_nano OR j.gross_nano <> j.fee_nano + j.seller_nano)`,
    'is settled at other amounts than the accounts moved',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN releases r ON r.job_id = j.job_id WHERE ${OF_JOBS} AND ${NO_LINE} AND (
      (j.released_at IS NULL) <> (r.seq IS NULL) OR (j.dispute IS NULL AND ${moved('release')} <> coalesce(r.amount_nano, 0)) OR (r.seq IS NOT NULL AND r.amount_nano <> j.seller_nano))`,
    'is released otherwise than its release or the accounts say',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN statement_lines l ON l.job_id = j.job_id AND l.booked = 1 WHERE ${OF_JOBS} AND (
      j.state <> 'settled' OR j.seller_nano <> l.amount_nano OR j.receipt_seq <> l.line OR (j.released_at IS NULL) <> (l.state = 'accrued') OR ${moved('release')} <> iif(l.state = 'accrued', 0, l.amount_nano))`,
    'stands otherwise in its line of a statement, or in the accounts',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN transfers t ON t.id IN ${transferIdsSql(['post', 'fee', 'release'], 'j.job_id')} WHERE ${OF_JOBS} AND j.state <> 'settled'`,
    'moved money and is not settled',
  ],
]

/** What the charts show of a quarter hour, by the columns of rollup_quarter. */
const SUMMED = 'jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms'
const KEYS = 'quarter_ms, instrument, sha256, deployment_id'
type QuarterKey = { quarter_ms: bigint; instrument: string; sha256: string; deployment_id: string }
type QuarterRow = QuarterKey & Record<string, bigint | string>

/** Quarter hours from the receipts and releases of the slice that the charts are summed from. */
const EXPECTED = `
  SELECT r.settled_at - r.settled_at % ${QUARTER_MS} AS quarter_ms, j.instrument, j.sha256, j.deployment_id, count(*) AS jobs, sum(j.input_tokens) AS input_tokens,
    sum(j.output_tokens) AS output_tokens, sum(j.gross_nano) AS gross_nano, sum(j.fee_nano) AS fee_nano, sum(j.seller_nano) AS seller_nano,
    coalesce(sum(x.amount_nano), 0) AS released_nano, sum(j.duration_ms) AS served_ms
  FROM receipts r JOIN jobs j ON j.job_id = r.job_id LEFT JOIN releases x ON x.job_id = r.job_id
  WHERE r.rowid > @after AND r.rowid <= @upTo AND j.dispute IS NULL GROUP BY 1, 2, 3, 4`
/** The same from the lines of statements, on a venue without receipts. */
const BY_LINES = `
  SELECT l.at - l.at % ${QUARTER_MS} AS quarter_ms, j.instrument, j.sha256, j.deployment_id, count(*) AS jobs, sum(j.input_tokens) AS input_tokens,
    sum(j.output_tokens) AS output_tokens, sum(j.gross_nano) AS gross_nano, sum(j.fee_nano) AS fee_nano, sum(j.seller_nano) AS seller_nano,
    sum(iif(l.state = 'accrued', 0, l.amount_nano)) AS released_nano, sum(j.duration_ms) AS served_ms
  FROM statement_lines l JOIN jobs j ON j.job_id = l.job_id
  WHERE l.rowid > @after AND l.rowid <= @upTo AND l.booked = 1 GROUP BY 1, 2, 3, 4`
const QUARTERS = `SELECT ${KEYS}, ${SUMMED} FROM rollup_quarter
  WHERE quarter_ms > @after AND quarter_ms <= @upTo AND (jobs <> 0 OR gross_nano <> 0 OR released_nano <> 0)`

/** All at once. */
export const recordProblems = (db: Read): string[] => finishSlices(recordProblemsSliced(db))

export function* recordProblemsSliced(db: Read): Sliced<string[]> {
  const found = FAULTS.map((): string[] => [])
  const jobs = { part: 'jobs', table: 'jobs', key: 'rowid', first: FIRST_ROW, rows: SLICE_ROWS }
  yield* readInSlices(db, jobs, (bounds) => {
    for (const [index, [sql, text]] of FAULTS.entries()) {
      const lines = found[index]!
      if (lines.length >= SHOWN) continue
      const rows = db.prepare<{ id: string }>(sql).all(bounds)
      lines.push(...rows.slice(0, SHOWN - lines.length).map(({ id }) => `job ${id} ${text}`))
    }
  })
  return [...found.flat(), ...(yield* quarterProblems(db))]
}

const keyOf = ({ quarter_ms, instrument, sha256, deployment_id }: QuarterKey): string =>
  `${quarter_ms} ${instrument} ${sha256} ${deployment_id}`

/** Sums of quarter hours are few, whatever the number of jobs: they are held together. */
function* quarterProblems(db: Read): Sliced<string[]> {
  const names = SUMMED.split(', ')
  const expected = new Map<string, QuarterRow>()
  for (const [table, sql] of [
    ['receipts', EXPECTED],
    ['statement_lines', BY_LINES],
  ] as const)
    yield* readInSlices(db, { part: 'charts', table, key: 'rowid', first: FIRST_ROW, rows: SUM_ROWS }, (bounds) => {
      for (const row of db.money<QuarterRow>(sql).all(bounds)) {
        const sum = expected.get(keyOf(row))
        if (sum === undefined) expected.set(keyOf(row), row)
        else for (const name of names) sum[name] = BigInt(sum[name]!) + BigInt(row[name]!)
      }
    })
  const wrong: QuarterKey[] = []
  const quarters = { part: 'charts', table: 'rollup_quarter', key: 'quarter_ms', first: FIRST_ROW, rows: SUM_ROWS }
  yield* readInSlices(db, quarters, (bounds) => {
    for (const row of db.money<QuarterRow>(QUARTERS).all(bounds)) {
      const sum = expected.get(keyOf(row))
      if (sum === undefined || names.some((name) => sum[name] !== row[name])) wrong.push(row)
      expected.delete(keyOf(row))
    }
  })
  return [...wrong, ...expected.values()]
    .toSorted((a, b) => Number(a.quarter_ms - b.quarter_ms) || (a.instrument < b.instrument ? -1 : 1))
    .slice(0, SHOWN)
    .map(
      ({ quarter_ms, instrument }) =>
        `the charts of ${instrument} in the quarter hour from ${new Date(Number(quarter_ms)).toISOString().slice(0, 16)} UTC do not add up to its receipts`,
    )
}
