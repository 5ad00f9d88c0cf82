/**
 * What the exchange's own end took from buyers. A job that was settled, and whose answer nobody is known to have got,
 * is paid back once from the exchange's incident account; its seller keeps the pay.
 */
import { transferId } from '#books/transfer-ids.ts'
import { nanoFromBigInt } from '#contract/money.ts'

import { buyerAccount, INCIDENTS } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { deleteUndelivered, insertRefund, undeliveredJobs } from '../store/refunds.store.ts'

const BATCH = 500

/**
 * At start: every answer that still waits for its mark is gone with the memory of the run before. A run that lives
 * drops what waits for longer than answers are kept, so nothing older is found here. Returns how many jobs were paid
 * back. Source: DESIGN, Protocol 2, Idempotency.
 */
export function refundUndelivered({ db, books, clock }: ExchangeContext): number {
  const at = clock.now()
  let count = 0
  for (let batch = undeliveredJobs(db.read, BATCH); batch.length > 0; batch = undeliveredJobs(db.read, BATCH)) {
    db.tx((write) => {
      for (const { jobId, buyerId, grossNano } of batch) {
        if (grossNano === 0n) continue
        const amount = nanoFromBigInt(grossNano)
        books.transfer(write, {
          id: transferId(write, 'refund', jobId),
          debit: INCIDENTS,
          credit: buyerAccount(buyerId),
          amount,
          code: 'refund',
          jobId,
          at,
        })
        insertRefund(write, { jobId, buyerId, amountNano: amount, at })
        count += 1
      }
      deleteUndelivered(
        write,
        batch.map(({ jobId }) => jobId),
      )
    })
  }
  return count
}
