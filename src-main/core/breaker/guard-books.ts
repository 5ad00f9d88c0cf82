/** The databases of a rig, so that the breaker hears of every commit that the disk refuses, whoever wanted it. */
import type { CoreContext, VenueContext } from '#core/core-context.ts'

import { watchedDb } from './books-failure.ts'
import type { BreakerPort } from './breaker.port.ts'

export interface GuardedBooks {
  context: CoreContext
  venues: VenueContext[]
  /** From now on; what failed before is the start's own error. */
  reportTo(this: void, breaker: Pick<BreakerPort, 'report'>): void
}

export function guardBooks(context: CoreContext, venues: readonly VenueContext[]): GuardedBooks {
  let report: BreakerPort['report'] = () => undefined
  const rigDb = watchedDb(context.rigDb, (problem) =>
    report({ kind: 'books-not-writable', venueId: null, path: context.rigDb.path, problem }),
  )
  return {
    context: { ...context, rigDb },
    venues: venues.map((venue) => {
      const { venueId, realmDb } = venue
      const onProblem = (problem: string): void =>
        report({ kind: 'books-not-writable', venueId, path: realmDb.path, problem })
      return { ...venue, rigDb, realmDb: watchedDb(realmDb, onProblem) }
    }),
    reportTo(breaker) {
      report = breaker.report
    },
  }
}
