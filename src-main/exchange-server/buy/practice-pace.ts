/**
 * How often the practice buyer buys. It is there so that a newcomer sees the whole loop; after the first jobs he has seen
 * it, and every further one is written to his disk for nothing but the charts: from then on it buys about once in a
 * minute and a half.
 */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { ReadDb } from '#db/db-types.ts'

import type { SeededDraws } from './practice-prompts.ts'

/** Jobs at the quick pace, in the whole life of the exchange's database. */
export const QUICK_JOBS = 200
/** Milliseconds to the next purchase: at least, and what is drawn on top. */
const QUICK = { leastMs: 2 * SECOND_MS, spreadMs: 2 * SECOND_MS }
const SLOW = { leastMs: 60 * SECOND_MS, spreadMs: 60 * SECOND_MS }
export const SLOW_MEAN_S = (SLOW.leastMs + SLOW.spreadMs / 2) / SECOND_MS

export class PracticePace {
  #bought: number

  /** `bought`: before this start. */
  constructor(bought: number) {
    this.#bought = bought
  }

  get slow(): boolean {
    return this.#bought >= QUICK_JOBS
  }

  /** One more was ordered; true when it is the one after which the pace slows. */
  ordered(): boolean {
    this.#bought += 1
    return this.#bought === QUICK_JOBS
  }

  nextMs(draws: SeededDraws): number {
    const { leastMs, spreadMs } = this.slow ? SLOW : QUICK
    return leastMs + draws.next(spreadMs)
  }
}

/** For the owner, beside his listing. */
export const SLOW_NOTICE = `The practice buyer has bought ${QUICK_JOBS} times and now buys about once in ${SLOW_MEAN_S} seconds, so that practice does not fill your disk. Nothing is wrong with your listing.`

/** Jobs that the practice buyer has had, counted up to the number that matters. */
export const practiceJobs = (db: ReadDb): number =>
  db
    .prepare<{ n: number }>('SELECT count(*) AS n FROM (SELECT 1 FROM jobs WHERE buyer_id = ? LIMIT ?)')
    .get(EMBEDDED_VENUE.ownBuyer.id, QUICK_JOBS)!.n
