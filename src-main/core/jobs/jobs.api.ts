/** Handlers of contract/jobs.ts. */
import { verifyReceipt } from '#books/receipts.ts'
import { fail } from '#contract/errors.ts'
import type { CoreContext, PowerService } from '#core/core-context.ts'

import { parseDifferences } from './differences.ts'
import { cursorOf, jobView, parseCursor } from './job-view.ts'
import { findJob, listJobs, receiptAt } from './jobs.store.ts'

export function jobsApi(context: CoreContext, power: Pick<PowerService, 'ofJob'>) {
  const { os, realmDb, currency } = context
  return {
    list: os.jobs.list.handler(({ input }) => {
      const rows = listJobs(realmDb.read, {
        before: parseCursor(input.before),
        limit: input.limit + 1,
        state: input.state,
        instrument: input.instrument,
      })
      const page = rows.slice(0, input.limit)
      const last = page.at(-1)
      return {
        jobs: page.map((row) => jobView(row, currency, power)),
        next: rows.length > input.limit && last !== undefined ? cursorOf(last) : null,
      }
    }),
    get: os.jobs.get.handler(({ input }) => {
      const row = findJob(realmDb.read, input.jobId)
      if (row === null) throw fail('job.unknown')
      const view = {
        ...jobView(row, currency, power),
        receipt: null,
        verified: null,
        differences: row.dispute === null ? [] : parseDifferences(row.dispute),
      }
      if (row.exchange === null || row.receiptSeq === null) return view
      const { receipt } = receiptAt(realmDb.read, row.exchange, row.receiptSeq)!
      const prev = row.receiptSeq === 1 ? null : receiptAt(realmDb.read, row.exchange, row.receiptSeq - 1)?.receipt
      // The key it was checked against when it was booked: the exchange of today may be another one.
      const { ok, shown, notShown } = verifyReceipt(receipt, {
        exchangeKey: row.exchange,
        ...(prev === undefined ? {} : { prev }),
      })
      return { ...view, receipt, verified: { ok, shown, notShown } }
    }),
  }
}
