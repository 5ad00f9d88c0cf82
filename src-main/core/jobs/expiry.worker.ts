/**
 * Once a minute: records ends that could not be written before, ends jobs that are past their expiry. A claim on a
 * venue with signed receipts never ends by our clock, which may be wrong: the venue is asked, and it knows.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, type Clock } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { every } from '#lib/every.ts'

import { openJobs, OPEN_JOBS_MAX } from './jobs.store.ts'
import type { Settlement } from './settlement.store.ts'

const EVERY_MS = MINUTE_MS
/** A clock that moved by more against the monotonic one was set, or the machine slept: no claim ends for a day after. */
const JUMP_MS = HOUR_MS
const AFTER_JUMP_MS = DAY_MS

export interface SweepDeps {
  /** Jobs in work, which do not expire here. */
  running: () => ReadonlySet<string>
  /** Asked first; throws while the disk takes nothing. */
  recordRemaining: () => void
  /** Asks the venue what became of the open jobs; no effect while it is away. */
  ask: () => void
}

/** Whether the wall clock is to be believed about a week: false for a day after it jumped. */
function steadyClock(clock: Clock): () => boolean {
  let seen = { now: clock.now(), mono: clock.mono() }
  let quietUntil = Number.NEGATIVE_INFINITY
  return () => {
    const at = { now: clock.now(), mono: clock.mono() }
    if (Math.abs(at.now - seen.now - (at.mono - seen.mono)) > JUMP_MS) quietUntil = at.mono + AFTER_JUMP_MS
    seen = at
    return at.mono >= quietUntil
  }
}

/** The returned function ends it. */
export function sweepExpired(
  { realmDb, clock, log, venue }: VenueContext,
  settlement: Pick<Settlement, 'voidJob'>,
  { running, ask, recordRemaining }: SweepDeps,
): () => void {
  const steady = steadyClock(clock)
  const sweep = (): void => {
    recordRemaining()
    const live = running()
    const isSteady = steady()
    const expired = openJobs(realmDb.read, OPEN_JOBS_MAX).filter(
      ({ jobId, expiresAt }) => expiresAt <= clock.now() && !live.has(jobId),
    )
    const claims = expired.filter(({ state }) => state === 'claimed')
    const asks = venue.capabilities.receipts === 'signed'
    // What was not claimed can bring nothing any more.
    const over = expired.filter(({ state }) => state !== 'claimed' || (!asks && isSteady))
    for (const { jobId } of over) settlement.voidJob(jobId, 'the exchange did not settle it in time')
    if (asks && claims.length > 0) ask()
  }
  return every(clock, EVERY_MS, sweep, {
    onError: (error) => log.error({ err: error }, 'the sweep of expired jobs failed; it is tried again in a minute'),
  }).stop
}
