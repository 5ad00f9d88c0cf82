/** Held money becomes available when its time has come: by the loop, or at once when a virtual clock is moved. */
import { transferId } from '#books/transfer-ids.ts'
import { StokerError } from '#contract/errors.ts'
import type { Release } from '#contract/supplier.ts'
import { every } from '#lib/every.ts'

import { availableAccount, heldAccount } from '../exchange-accounts.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { appendRelease, dueHolds, dueSuppliers, type HeldAmount } from '../store/suppliers.store.ts'

/**
 * Releases everything due, oldest first, a bounded batch a transaction; returns the releases to send to each supplier.
 * Where a row cannot be read or booked, the others' money does not wait for it. Errors: those of the file as a whole.
 */
export function releaseDue(context: ExchangeContext): Map<string, Release[]> {
  const { clock, db, log } = context
  const released = new Map<string, Release[]>()
  const isOfRows = (error: unknown): boolean => error instanceof StokerError && db.trouble() === null
  try {
    releaseInTurn(context, released)
  } catch (error) {
    if (!isOfRows(error)) throw error
    for (const supplier of dueSuppliers(db.read, clock.now()))
      try {
        releaseInTurn(context, released, supplier)
      } catch (cause) {
        if (!isOfRows(cause)) throw cause
        log.error({ err: cause, supplier }, 'what is held for a supplier cannot be released; that of others is')
      }
  }
  return released
}

/** Of all suppliers, or of one. */
function releaseInTurn(context: ExchangeContext, released: Map<string, Release[]>, supplier?: string): void {
  const { clock, db, books } = context
  const due = (): HeldAmount[] => dueHolds(db.read, clock.now(), LIMITS.releaseBatch, supplier)
  for (let batch = due(); batch.length > 0; batch = due()) {
    const at = clock.now()
    const done = db.tx((write) =>
      batch.map((hold) => {
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
        return { supplier: hold.supplier, release: appendRelease(write, hold, at) }
      }),
    )
    // After the commit: what was rolled back is announced to nobody.
    for (const one of done) {
      const mine = released.get(one.supplier)
      if (mine === undefined) released.set(one.supplier, [one.release])
      else mine.push(one.release)
    }
  }
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
