/** Our records against each other, row by row: what a sum alone would not notice. Read only. */
import { transferIdsSql, type TransferStep } from '#books/transfer-ids.ts'
import { QUARTER_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'

type Read = CoreContext['realmDb']['read']

/** Each row found is one problem; the text names what `id` is. At most SHOWN of a kind are reported. */
const SHOWN = 20

/** The amount a transfer moved, 0 when there is none: an amount of zero moves nothing. */
const moved = (step: TransferStep): string =>
  `coalesce((SELECT sum(amount) FROM transfers WHERE id IN ${transferIdsSql([step], 'j.job_id')} AND type <> 'void'), 0)`

const FAULTS: readonly (readonly [sql: string, text: string])[] = [
  [
    `SELECT j.job_id AS id FROM jobs j LEFT JOIN receipts r ON r.job_id = j.job_id AND r.exchange = j.exchange AND r.seq = j.receipt_seq WHERE j.state = 'settled' AND r.seq IS NULL`,
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
     WHERE (j.released_at IS NULL) <> (r.seq IS NULL) OR (j.dispute IS NULL AND ${moved('release')} <> coalesce(r.amount_nano, 0)) OR (r.seq IS NOT NULL AND r.amount_nano <> j.seller_nano)`,
    'is released otherwise than its release or the accounts say',
  ],
  [
    `SELECT j.job_id AS id FROM jobs j JOIN transfers t ON t.id IN ${transferIdsSql(['post', 'fee', 'release'], 'j.job_id')} WHERE j.state <> 'settled'`,
    'moved money and is not settled',
  ],
]

/**
 * Quarter hours of the charts against the receipts and releases they are summed from; the columns are those of
 * rollup_quarter.
 */
const COLUMNS =
  'quarter_ms, instrument, sha256, deployment_id, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms'
const QUARTERS = `
WITH expected (${COLUMNS}) AS (
  SELECT r.settled_at - r.settled_at % ${QUARTER_MS}, j.instrument, j.sha256, j.deployment_id, count(*), sum(j.input_tokens), sum(j.output_tokens), sum(j.gross_nano), sum(j.fee_nano), sum(j.seller_nano),
    coalesce(sum(x.amount_nano), 0), sum(j.duration_ms)
  FROM receipts r JOIN jobs j ON j.job_id = r.job_id LEFT JOIN releases x ON x.job_id = r.job_id WHERE j.dispute IS NULL GROUP BY 1, 2, 3, 4
), shown AS (
  SELECT ${COLUMNS} FROM rollup_quarter WHERE jobs <> 0 OR gross_nano <> 0 OR released_nano <> 0
)
SELECT quarter_ms, instrument FROM (SELECT * FROM expected EXCEPT SELECT * FROM shown) UNION SELECT quarter_ms, instrument FROM (SELECT * FROM shown EXCEPT SELECT * FROM expected) ORDER BY 1, 2 LIMIT ${SHOWN}`

export function recordProblems(db: Read): string[] {
  const jobs = FAULTS.flatMap(([sql, text]) =>
    db
      .prepare<{ id: string }>(`${sql} LIMIT ${SHOWN}`)
      .all()
      .map(({ id }) => `job ${id} ${text}`),
  )
  const quarters = db
    .prepare<{ quarter_ms: number; instrument: string }>(QUARTERS)
    .all()
    .map(
      ({ quarter_ms, instrument }) =>
        `the charts of ${instrument} in the quarter hour from ${new Date(quarter_ms).toISOString().slice(0, 16)} UTC do not add up to its receipts`,
    )
  return [...jobs, ...quarters]
}
