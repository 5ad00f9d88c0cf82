/**
 * The sources in the order of their first quarter hour, which gives each its place and colour on every chart. Sums are
 * never taken away, so what was read once is remembered, and only what came since is read again.
 */
import type { IncomeKey } from '#contract/earnings.ts'
import { DAY_MS, type EpochMs } from '#contract/time.ts'
import type { ReadDb } from '#db/db-types.ts'

import { firstQuarters } from './rollups.store.ts'

/** A receipt may come late, with the time at which the exchange settled. */
const LATE_MS = 31 * DAY_MS
const SOURCES_MAX = 1_000

export function createFirstSold(db: ReadDb): (by: IncomeKey, now: EpochMs) => string[] {
  const known = new Map<IncomeKey, { firsts: Map<string, EpochMs>; readAt: EpochMs }>()
  return (by, now) => {
    const before = known.get(by) ?? { firsts: new Map<string, EpochMs>(), readAt: LATE_MS }
    const { firsts } = before
    for (const { source, first } of firstQuarters(db, by, before.readAt - LATE_MS))
      if (first < (firsts.get(source) ?? Infinity)) firsts.set(source, first)
    known.set(by, { firsts, readAt: now })
    return [...firsts]
      .sort(([a, first], [b, second]) => first - second || (a < b ? -1 : 1))
      .map(([source]) => source)
      .slice(0, SOURCES_MAX)
  }
}
