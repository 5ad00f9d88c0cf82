/** What a line of a venue's statement means for our books: pure decisions. */
import type { StatementLine } from '#core/venues/index.ts'

import type { SellerJobRow } from './jobs.store.ts'
import type { LineState, StatementLineRow } from './statements.store.ts'

const ORDER: readonly LineState[] = ['accrued', 'available', 'paid', 'received']

export interface LineDecision {
  /** Book the job at the line's amount: it is the first line of a job that we claimed. */
  book: boolean
  /** The states that the money passes now, in order. */
  moves: readonly LineState[]
  /** Why the line does not agree with our record; null when it does. */
  difference: string | null
}

/** `known` is the line of the same job in an earlier statement. */
export function decideLine(
  line: StatementLine,
  job: Pick<SellerJobRow, 'state' | 'acknowledgedNano'> | null,
  known: StatementLineRow | null,
): LineDecision {
  if (known !== null) {
    const difference =
      known.amountNano === line.amountNano
        ? known.difference
        : `it says ${line.amountNano} now and said ${known.amountNano} before`
    const [from, to] = [ORDER.indexOf(known.state), ORDER.indexOf(line.state)]
    return { book: false, moves: known.booked ? ORDER.slice(from + 1, to + 1) : [], difference }
  }
  const nothing = { book: false, moves: [] }
  if (job === null) return { ...nothing, difference: 'we have no such job' }
  if (job.state !== 'claimed')
    return { ...nothing, difference: `our job is ${job.state}, so we claimed nothing for it` }
  const expected = job.acknowledgedNano
  const difference =
    expected === null || expected === line.amountNano
      ? null
      : `it says ${line.amountNano}, and ${expected} was said when the job was taken`
  return { book: true, moves: ORDER.slice(1, ORDER.indexOf(line.state) + 1), difference }
}
