/** Our records against each other, row by row: what a sum alone would not notice. Read only. */
import { transferIdsSql, type TransferStep } from '#books/transfer-ids.ts'
import { HOUR_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'

type Read = VenueContext['realmDb']['read']

/** Each row found is one problem; the text names what `id` is. At most SHOWN of a kind are reported. */
const SHOWN = 20

/** The amount a transfer moved, 0 when there is none: an amount of zero moves nothing. */
const moved = (step: TransferStep): string =>
  `coalesce((SELECT sum(amount) FROM transfers WHERE id IN ${transferIdsSql([step], 'j.job_id')} AND type <> 'void'), 0)`

/** Its evidence is no line of a statement. */
const NO_LINE = 'NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.job_id = j.job_id AND l.booked = 1)'

const FAULTS: readonly (readonly [sql: string, text: string])[] = [
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id AND r.exchange = j.exchange AND r.seq = j.receipt_seq WHERE j.state = 'settled' AND r.seq IS NULL AND ${NO_LINE}`,
    'is settled and has no receipt',
  ],
  [
    `SELECT r.job_id AS id FROM receipts r JOIN jobs j ON j.job_id = r.job_id WHERE j.state <> 'settled' AND j.dispute IS NULL`,
    'has a receipt and is neither settled nor disputed',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id WHERE j.dispute IS NOT NULL AND r.seq IS NULL`,
    'is disputed and has no receipt',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j WHERE j.state = 'settled' AND (${moved('post')} <> j.gross_nano OR ${moved('fee')} <> j.fee_nano OR j.gross_nano <> j.fee_nano + j.seller_nano)`,
    'is settled at other amounts than the accounts moved',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN releases r ON r.job_id = j.job_id
     WHERE ${NO_LINE} AND ((j.released_at IS NULL) <> (r.seq IS NULL) OR (j.dispute IS NULL AND ${moved('release')} <> coalesce(r.amount_nano, 0)) OR (r.seq IS NOT NULL AND r.amount_nano <> j.seller_nano))`,
    'is released otherwise than its release or the accounts say',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN statement_lines l ON l.job_id = j.job_id AND l.booked = 1
     WHERE j.state <> 'settled' OR j.seller_nano <> l.amount_nano OR j.receipt_seq <> l.line OR (j.released_at IS NULL) <> (l.state = 'accrued') OR ${moved('release')} <> iif(l.state = 'accrued', 0, l.amount_nano)`,
    'stands otherwise in its line of a statement, or in the accounts',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN transfers t ON t.id IN ${transferIdsSql(['post', 'fee', 'release'], 'j.job_id')} WHERE j.state <> 'settled'`,
    'moved money and is not settled',
  ],
]

/** Hours of the charts against the receipts and releases they are summed from; the columns are those of rollup_hour. */
const HOURS = `
WITH expected (hour_ms, instrument, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms) AS (
  SELECT r.settled_at - r.settled_at % ${HOUR_MS}, j.instrument, count(*), sum(j.input_tokens), sum(j.output_tokens), sum(j.gross_nano), sum(j.fee_nano), sum(j.seller_nano),
    coalesce(sum(x.amount_nano), 0), sum(j.duration_ms)
  FROM receipts r JOIN jobs j ON j.job_id = r.job_id LEFT JOIN releases x ON x.job_id = r.job_id WHERE j.dispute IS NULL GROUP BY 1, 2
  UNION ALL SELECT l.at - l.at % ${HOUR_MS}, j.instrument, count(*), sum(j.input_tokens), sum(j.output_tokens), sum(j.gross_nano), sum(j.fee_nano), sum(j.seller_nano),
    sum(iif(l.state = 'accrued', 0, l.amount_nano)), sum(j.duration_ms)
  FROM statement_lines l JOIN jobs j ON j.job_id = l.job_id WHERE l.booked = 1 GROUP BY 1, 2
), shown AS (
  SELECT hour_ms, instrument, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms FROM rollup_hour WHERE jobs <> 0 OR gross_nano <> 0 OR released_nano <> 0
)
SELECT hour_ms, instrument FROM (SELECT * FROM expected EXCEPT SELECT * FROM shown) UNION SELECT hour_ms, instrument FROM (SELECT * FROM shown EXCEPT SELECT * FROM expected) ORDER BY 1, 2 LIMIT ${SHOWN}`

export function recordProblems(db: Read): string[] {
  const jobs = FAULTS.flatMap(([sql, text]) =>
    db
      .prepare<{ id: string }>(`${sql} LIMIT ${SHOWN}`)
      .all()
      .map(({ id }) => `job ${id} ${text}`),
  )
  const hours = db
    .prepare<{ hour_ms: number; instrument: string }>(HOURS)
    .all()
    .map(
      ({ hour_ms, instrument }) =>
        `the charts of ${instrument} in the hour from ${new Date(hour_ms).toISOString().slice(0, 16)} UTC do not add up to its receipts`,
    )
  return [...jobs, ...hours]
}
