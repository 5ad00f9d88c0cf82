/** Held money becomes available when its time has come: by the loop, or at once when a virtual clock is moved. */
import { transferId } from '#books/transfer-ids.ts'
import type { Release } from '#contract/supplier.ts'
import { every } from '#lib/every.ts'

import { availableAccount, heldAccount } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { appendRelease, dueHolds } from '../store/suppliers.store.ts'

/** Releases everything due, oldest first, a bounded batch a transaction; returns the releases to send to each supplier. */
export function releaseDue(context: ExchangeContext): Map<string, Release[]> {
  const { clock, db, books } = context
  const released = new Map<string, Release[]>()
  for (
    let batch = dueHolds(db.read, clock.now(), LIMITS.releaseBatch);
    batch.length > 0;
    batch = dueHolds(db.read, clock.now(), LIMITS.releaseBatch)
  ) {
    const at = clock.now()
    db.tx((write) => {
      for (const hold of batch) {
        if (hold.sellerNano > 0)
          books.transfer(write, {
            id: transferId(write, 'release', hold.jobId),
            debit: heldAccount(hold.supplier),
            credit: availableAccount(hold.supplier),
            amount: hold.sellerNano,
            code: 'release',
            jobId: hold.jobId,
            at,
          })
        const release = appendRelease(write, hold, at)
        const mine = released.get(hold.supplier)
        if (mine === undefined) released.set(hold.supplier, [release])
        else mine.push(release)
      }
    })
  }
  return released
}

/** Runs releaseDue at once and about every second until the signal aborts. */
export function releaseLoop(
  context: ExchangeContext,
  announce: (supplier: string, releases: Release[]) => void,
  signal: AbortSignal,
): void {
  const release = (): void => {
    for (const [supplier, releases] of releaseDue(context)) announce(supplier, releases)
  }
  every(context.clock, LIMITS.releaseEveryMs, release, {
    onError: (error) => context.log.error({ err: error }, 'releasing held money failed; it is tried again'),
    signal,
    immediate: true,
  })
}
