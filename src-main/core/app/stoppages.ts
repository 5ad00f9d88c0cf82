/** Why Stoker itself sells nothing, or less, as the contract shows it. */
import type { RigEventView, Stoppage } from '#contract/app.ts'
import type { Breaker } from '#core/breaker/index.ts'
import type { RecordedEvents } from '#core/events/index.ts'

export interface StoppageDeps {
  breaker: Pick<Breaker, 'trips'>
  recorded: Pick<RecordedEvents, 'newest'>
}

const RECORDED_SHOWN = 100

export const stoppagesNow = ({ breaker, recorded }: StoppageDeps): { open: Stoppage[]; recorded: RigEventView[] } => ({
  open: breaker.trips().map(({ kind, subject, reason, since, checks, found, checkInMs }) => ({
    kind,
    subject,
    reason,
    since,
    checks,
    found,
    nextCheckInMs: Math.round(checkInMs),
  })),
  recorded: recorded.newest(RECORDED_SHOWN),
})
