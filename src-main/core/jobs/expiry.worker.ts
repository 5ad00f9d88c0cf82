/** Once a minute: voids jobs that are past their expiry. */
import { MINUTE_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { every } from '#lib/every.ts'

import { openJobs, OPEN_JOBS_MAX } from './jobs.store.ts'
import type { Settlement } from './settlement.store.ts'

const EVERY_MS = MINUTE_MS

/** `running` names the jobs in work, which do not expire here. The returned function ends it. */
export function sweepExpired(
  { realmDb, clock, log }: VenueContext,
  settlement: Pick<Settlement, 'voidJob'>,
  running: () => ReadonlySet<string>,
): () => void {
  const sweep = (): void => {
    const live = running()
    for (const job of openJobs(realmDb.read, OPEN_JOBS_MAX)) {
      if (job.expiresAt <= clock.now() && !live.has(job.jobId))
        settlement.voidJob(job.jobId, 'the exchange did not settle it in time')
    }
  }
  return every(clock, EVERY_MS, sweep, {
    onError: (error) => log.error({ err: error }, 'the sweep of expired jobs failed; it is tried again in a minute'),
  }).stop
}
