/** Once a minute: records ends that could not be written before, voids jobs that are past their expiry, and forgets outbox rows that were answered long ago. */
import { prune } from '#books/outbox.ts'
import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { every } from '#lib/every.ts'

import { openJobs, OPEN_JOBS_MAX } from './jobs.store.ts'
import type { Settlement } from './settlement.store.ts'

const EVERY_MS = MINUTE_MS
/** Of answered claims: the receipt holds all of it, so this is for whoever looks into a fault of yesterday. */
export const OUTBOX_KEPT_MS = DAY_MS

/**
 * `running` names the jobs in work, which do not expire here; `recordRemaining` is asked first, and throws while the disk
 * takes nothing. The returned function ends it.
 */
export function sweepExpired(
  { realmDb, clock, log }: VenueContext,
  settlement: Pick<Settlement, 'voidJob'>,
  { running, recordRemaining }: { running: () => ReadonlySet<string>; recordRemaining: () => void },
): () => void {
  const sweep = (): void => {
    recordRemaining()
    const live = running()
    for (const job of openJobs(realmDb.read, OPEN_JOBS_MAX)) {
      if (job.expiresAt <= clock.now() && !live.has(job.jobId))
        settlement.voidJob(job.jobId, 'the exchange did not settle it in time')
    }
    realmDb.tx((db) => prune(db, clock.now() - OUTBOX_KEPT_MS))
  }
  return every(clock, EVERY_MS, sweep, {
    onError: (error) => log.error({ err: error }, 'the sweep of expired jobs failed; it is tried again in a minute'),
  }).stop
}
