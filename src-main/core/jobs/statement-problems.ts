/** Lines of the venue's statements that do not agree with our own record, in plain words. */
import { inWords } from '#contract/errors.ts'
import { parseStoredReason } from '#contract/reasons.ts'
import type { ReadDb } from '#db/db-types.ts'

import { differingLines } from './statements.store.ts'

const SHOWN = 20
const ADVICE =
  'What to do: the statement is what the venue pays by; compare the job with its account page, and show both to whoever runs the venue.'

/** One line a difference, newest first, then what to do; empty when the two agree. */
export function statementProblems(db: ReadDb): string[] {
  const { latest, count } = differingLines(db, SHOWN)
  if (count === 0) return []
  const lines = latest.map(
    ({ jobId, difference, booked }) =>
      `statement line of job ${jobId}: ${inWords(parseStoredReason(difference ?? ''))}${booked ? '' : '; nothing of it was booked'}`,
  )
  return [...lines, ...(count > latest.length ? [`${count - latest.length} more lines differ`] : []), ADVICE]
}
