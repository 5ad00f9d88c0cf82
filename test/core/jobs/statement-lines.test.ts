/** What each line of a statement does to the books, in every case. */
import { describe, expect, it } from 'vitest'

import { brandId, type JobId } from '#contract/ids.ts'
import { nano } from '#contract/money.ts'
import { decideLine } from '#core/jobs/statement-lines.ts'
import type { StatementLineRow } from '#core/jobs/statements.store.ts'
import { inEnglish } from '#test/support/in-english.ts'

const line = (amount: number, state: 'accrued' | 'available' | 'paid' = 'accrued') => ({
  jobId: brandId<JobId>('job_1'),
  amountNano: nano(amount),
  state,
  at: 1,
})
const claimed = (acknowledgedNano: number | null) => ({
  state: 'claimed' as const,
  acknowledgedNano: acknowledgedNano === null ? null : nano(acknowledgedNano),
})
const known = (change: Partial<StatementLineRow>): StatementLineRow => ({
  line: 1,
  jobId: 'job_1',
  statement: 1,
  amountNano: nano(5),
  state: 'accrued',
  at: 1,
  difference: null,
  booked: true,
  ...change,
})

describe('the first line of a job', () => {
  it.each([
    ['that was acknowledged at the same', line(5), claimed(5), { book: true, moves: [], difference: null }],
    ['that was acknowledged without an amount', line(5), claimed(null), { book: true, moves: [], difference: null }],
    [
      'that is paid already',
      line(5, 'paid'),
      claimed(5),
      { book: true, moves: ['available', 'paid'], difference: null },
    ],
    [
      'that pays less',
      line(4),
      claimed(5),
      { book: true, moves: [], difference: 'it says 4, and 5 was said when the job was taken' },
    ],
    ['that we do not have', line(5), null, { book: false, moves: [], difference: 'we have no such job' }],
    [
      'that failed here',
      line(5),
      { state: 'failed' as const, acknowledgedNano: null },
      { book: false, moves: [], difference: 'our job is failed, so we claimed nothing for it' },
    ],
  ])('%s', (_, given, job, decision) => {
    expect(inEnglish(decideLine(given, job, null))).toEqual(decision)
  })
})

describe('a later line of the same job', () => {
  it.each([
    ['that says the same moves nothing', line(5), known({}), { book: false, moves: [], difference: null }],
    [
      'that is two steps on moves twice',
      line(5, 'paid'),
      known({}),
      { book: false, moves: ['available', 'paid'], difference: null },
    ],
    ['that goes back moves nothing', line(5), known({ state: 'paid' }), { book: false, moves: [], difference: null }],
    [
      'of a line that was not booked moves nothing',
      line(5, 'paid'),
      known({ booked: false, difference: 'x' }),
      { book: false, moves: [], difference: 'x' },
    ],
    [
      'at another amount keeps the first and says so',
      line(6),
      known({}),
      { book: false, moves: [], difference: 'it says 6 now and said 5 before' },
    ],
  ])('%s', (_, given, row, decision) => {
    expect(inEnglish(decideLine(given, claimed(null), row))).toEqual(decision)
  })
})
