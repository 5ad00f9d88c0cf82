/**
 * What a supplier must know after a reconnect that is no resume: receipts and releases it has not seen, and how its
 * open jobs stand.
 */
import type { JobId } from '#contract/ids.ts'
import type { Receipt } from '#contract/receipt.ts'
import { SYNC_PAGE_MAX } from '#contract/supplier.ts'
import type { ExchangeFrameV2, SupplierFrameV2 } from '#contract/supplier-v2.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { jobStanding } from '../store/buyer-jobs.store.ts'
import { receiptsAfter, releasesAfter } from '../store/suppliers.store.ts'

type Sync = Extract<SupplierFrameV2, { t: 'sync' }>

/** One page; `more` asks for another sync from the last seq received. */
export function syncResult({ db }: ExchangeContext, supplier: string, sync: Sync): ExchangeFrameV2 {
  const receipts = receiptsAfter(db.read, supplier, sync.afterReceiptSeq, SYNC_PAGE_MAX + 1)
  const releases = releasesAfter(db.read, supplier, sync.afterReleaseSeq, SYNC_PAGE_MAX + 1)
  return {
    t: 'sync.result',
    receipts: receipts.slice(0, SYNC_PAGE_MAX).map((json) => JSON.parse(json) as Receipt),
    releases: releases.slice(0, SYNC_PAGE_MAX),
    jobs: sync.openJobs.map((jobId) => ({ jobId, state: stateOf(jobId) })),
    more: receipts.length > SYNC_PAGE_MAX || releases.length > SYNC_PAGE_MAX,
  }
  function stateOf(jobId: JobId): 'pending' | 'settled' | 'void' | 'unknown' {
    const standing = jobStanding(db.read, jobId, supplier)
    if (standing === null) return 'unknown'
    return standing.state === 'running' ? 'pending' : standing.state
  }
}
