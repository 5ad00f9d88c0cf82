/** What a line of a venue's statement means for our books: pure decisions. */
import { because, parseStoredReason, type Reason } from '#contract/reasons.ts'
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
  difference: Reason | null
}

/** `known` is the line of the same job in an earlier statement. */
export function decideLine(
  line: StatementLine,
  job: Pick<SellerJobRow, 'state' | 'acknowledgedNano'> | null,
  known: StatementLineRow | null,
): LineDecision {
  if (known !== null) {
    const before = known.difference === null ? null : parseStoredReason(known.difference)
    const difference =
      known.amountNano === line.amountNano
        ? before
        : because('statement.changed', { now: line.amountNano, before: known.amountNano })
    const [from, to] = [ORDER.indexOf(known.state), ORDER.indexOf(line.state)]
    return { book: false, moves: known.booked ? ORDER.slice(from + 1, to + 1) : [], difference }
  }
  const nothing = { book: false, moves: [] }
  if (job === null) return { ...nothing, difference: because('statement.noJob') }
  if (job.state !== 'claimed') return { ...nothing, difference: because('statement.notClaimed', { state: job.state }) }
  const expected = job.acknowledgedNano
  const difference =
    expected === null || expected === line.amountNano
      ? null
      : because('statement.otherAmount', { now: line.amountNano, taken: expected })
  return { book: true, moves: ORDER.slice(1, ORDER.indexOf(line.state) + 1), difference }
}
