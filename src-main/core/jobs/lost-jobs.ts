/**
 * Jobs whose text was lost with the process or session that ran them, on a venue that cannot be asked what became of
 * them: they fail here and there. A claim may have arrived, so it waits for the venue's statement.
 */
import { failValue } from '#contract/errors.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import { because } from '#contract/reasons.ts'
import type { VenueContext } from '#core/core-context.ts'
import { tell } from '#core/venues/index.ts'

import { openJobs, OPEN_JOBS_MAX } from './jobs.store.ts'
import type { Settlement } from './settlement.store.ts'

const WHY = because('job.interrupted')

export function failLost({ realmDb, venue }: VenueContext, settlement: Pick<Settlement, 'fail'>): void {
  const stopped = openJobs(realmDb.read, OPEN_JOBS_MAX).filter(({ state }) => state === 'running')
  if (stopped.length === 0) return
  settlement.fail(stopped.map(({ jobId }) => ({ jobId, reason: WHY })))
  for (const { jobId } of stopped)
    tell(venue, (verbs) => verbs.failed(brandId<JobId>(jobId), failValue('job.supplierRestarted')))
}
