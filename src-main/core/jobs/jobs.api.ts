/** Handlers of contract/jobs.ts. */
import { verifyReceipt } from '#books/receipts.ts'
import { fail } from '#contract/errors.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext, PowerService } from '#core/core-context.ts'
import type { Os } from '#core/os.ts'

import { parseDifferences } from './differences.ts'
import { cursorOf, jobView, parseCursor } from './job-view.ts'
import {
  chainOf,
  findJob,
  findJobs,
  listJobs,
  receiptAt,
  receiptOf,
  type ListQuery,
  type SellerJobRow,
} from './jobs.store.ts'
import { BY_STATEMENT, lineOf } from './statements.store.ts'

/** contract/jobs.ts, `list`; cursors as text. */
type JobsPage = Pick<ListQuery, 'limit' | 'state' | 'instrument'> & {
  before: string | null
  downTo: string | null
  startedBefore: number | null
  idPrefix: string | null
}

/** What the contract asks of the jobs of one venue. */
export function jobsCalls(context: VenueContext, power: Pick<PowerService, 'ofJob'>) {
  const { realmDb } = context
  const view = (row: SellerJobRow) =>
    jobView(
      row,
      context,
      power,
      row.exchange === BY_STATEMENT ? (lineOf(realmDb.read, row.jobId)?.state ?? null) : null,
    )
  return {
    list(input: JobsPage) {
      const { idPrefix, startedBefore, state, instrument } = input
      const before = parseCursor(input.before)
      const limit = input.limit + 1
      const rows =
        idPrefix === null
          ? listJobs(realmDb.read, {
              before: before ?? (startedBefore === null ? null : { startedAt: startedBefore, jobId: null }),
              downTo: parseCursor(input.downTo),
              limit,
              state,
              instrument,
            })
          : findJobs(realmDb.read, idPrefix, before?.jobId ?? null, limit)
      const page = rows.slice(0, input.limit)
      const last = page.at(-1)
      return {
        jobs: page.map((row) => view(row)),
        next: rows.length > input.limit && last !== undefined ? cursorOf(last) : null,
      }
    },
    get(jobId: string) {
      const row = findJob(realmDb.read, jobId)
      if (row === null) throw fail('job.unknown')
      const seen = {
        ...view(row),
        receipt: null,
        verified: null,
        differences: row.dispute === null ? [] : parseDifferences(row.dispute),
      }
      if (row.exchange === null || row.exchange === BY_STATEMENT || row.receiptSeq === null) return seen
      const { receipt } = receiptOf(realmDb.read, jobId)!
      const prev = receipt.seq === 1 ? null : receiptAt(realmDb.read, chainOf(receipt), receipt.seq - 1)?.receipt
      // The key it was checked against when it was booked: the exchange of today may be another one.
      const { ok, shown, notShown } = verifyReceipt(receipt, {
        exchangeKey: row.exchange,
        ...(prev === undefined ? {} : { prev }),
      })
      return { ...seen, receipt, verified: { ok, shown, notShown } }
    },
  }
}

export const jobsApi = (os: Os, of: ByVenue<ReturnType<typeof jobsCalls>>) => ({
  list: os.jobs.list.handler(({ input }) => of(input.venueId).list(input)),
  get: os.jobs.get.handler(({ input }) => of(input.venueId).get(input.jobId)),
})
