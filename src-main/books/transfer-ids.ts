/**
 * The ids of a job's transfers, in the same words on both sides (the seller's core and the exchange), made here only.
 * A repeat is recognised by its id and the ledger is append only, so an id is for ever: a transfer that an earlier
 * version wrote under another word keeps that id and is found by it.
 */
import type { ReadDb } from '#db/db-types.ts'

/**
 * `reserve` holds the most a job can cost or bring, `post` books what was billed, `void` frees the reservation, `fee`
 * takes the exchange's part, `pay` gives the seller's part to its held money, `release` makes held money available,
 * `refund` gives a buyer back what the exchange's own end took, `write-off` gives up held money that can never come.
 */
export type TransferStep = 'reserve' | 'post' | 'void' | 'fee' | 'pay' | 'release' | 'refund' | 'write-off'

/** Words that version 0.1 had: `claim:`, `settle:` in the seller's databases, `res:`, `rel:` in the exchange's. */
const EARLIER_WORDS: Partial<Record<TransferStep, readonly string[]>> = {
  reserve: ['claim', 'res'],
  post: ['settle'],
  release: ['rel'],
}

/**
 * Every id a step can have, the one that is given first. The job comes first in it, so that the ids of a job stand on one
 * page of their index; until version 0.3 the step did.
 */
const idsOf = <T>(step: TransferStep, join: (before: string, after: string) => T): T[] => [
  join('', `:${step}`),
  ...[step, ...(EARLIER_WORDS[step] ?? [])].map((word) => join(`${word}:`, '')),
]

/**
 * The id of this step of a job: the one under which it stands in the books already, whichever version wrote it, else
 * `jobId:step`. A step repeated under it is booked once.
 */
export function transferId(db: ReadDb, step: TransferStep, jobId: string): string {
  const ids = idsOf(step, (before, after) => `${before}${jobId}${after}`)
  const places = ids.map(() => '?').join(', ')
  const stored = db.prepare<{ id: string }>(`SELECT id FROM transfers WHERE id IN (${places}) LIMIT 1`).get(...ids)
  return stored?.id ?? ids[0]!
}

/** For the audit's SQL: every id these steps can have, of the job whose id stands in `column`; to follow `id IN`. */
export const transferIdsSql = (steps: readonly TransferStep[], column: string): string =>
  `(${steps
    .flatMap((step) =>
      idsOf(step, (before, after) => (after === '' ? `'${before}' || ${column}` : `${column} || '${after}'`)),
    )
    .join(', ')})`
