/** What a venue's words about jobs and money do here. */
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { VenueEvent } from '#core/venues/index.ts'

import type { ActiveJobs } from './active-jobs.ts'
import type { Sync } from './exchange-sync.ts'
import type { JobIntake } from './job-intake.ts'
import type { BookingOutcome } from './settlement.ts'
import type { Settlement } from './settlement.store.ts'
import type { StatementSettlement } from './statement-settlement.store.ts'

export interface VenueListenerDeps {
  intake: JobIntake
  activeJobs: ActiveJobs
  sync: Sync
  settlement: Settlement
  statements: StatementSettlement
}

export function createVenueListener({ venue, events }: VenueContext, deps: VenueListenerDeps) {
  const { intake, activeJobs, sync, settlement, statements } = deps
  const exchangeKey = (): string => {
    const state = venue.state()
    return state.kind === 'online' ? state.terms.exchange : ''
  }
  const moneyMoved = (): void => {
    for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
  }
  const onSettled = (receipt: Receipt): void =>
    sync.note(
      sync.attempt(() => settlement.settle(receipt, exchangeKey())),
      `receipt ${receipt.seq}`,
    )
  const onReleased = (releases: readonly Release[]): void => {
    const key = exchangeKey()
    let outcomes: BookingOutcome[]
    try {
      outcomes = settlement.releaseAll(releases, key)
    } catch {
      // One that cannot be booked holds back no other: each alone.
      outcomes = releases.map((release) => sync.attempt(() => settlement.release(release, key)))
    }
    releases.forEach((release, at) => sync.note(outcomes[at]!, `release ${release.seq}`))
  }
  const onMoney = (event: VenueEvent): void => {
    if (event.kind === 'settled') onSettled(event.receipt)
    else if (event.kind === 'acknowledged') statements.acknowledge(event.jobId, event.amountNano)
    else if (event.kind === 'statement') {
      if (statements.apply(event.statement) === 0) return
    } else if (event.kind === 'released') onReleased(event.releases)
    else return
    moneyMoved()
  }
  return (event: VenueEvent): void => {
    if (event.kind === 'job') intake.onJob(event.job)
    else if (event.kind === 'cancel') activeJobs.onCancel(event.jobId, event.reason)
    else if (event.kind === 'refused') activeJobs.onVoid(event.jobId, event.reason)
    else if (event.kind === 'history') sync.onResult(event)
    else onMoney(event)
  }
}
