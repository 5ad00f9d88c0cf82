/** Which copies go and when the next is due: pure. Catches a bound that is not held, and a rig that never gets its copy. */
import { describe, expect, it } from 'vitest'

import { copiesToRemove, copyName, isCopyName, isDue, isPartialName, partialName } from '#core/backup/copy-names.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#contract/time.ts'

describe('names', () => {
  it('are in order of time, and a half copy never looks like one', () => {
    const names = [0, 1_000, DAY_MS, 40 * DAY_MS].map((at) => copyName(Date.UTC(2026, 10, 30, 2, 59, 58) + at))
    expect(names.toSorted()).toEqual(names)
    expect(names.every(isCopyName)).toBe(true)
    expect(names.map(partialName).some(isCopyName)).toBe(false)
    expect(names.map(partialName).every(isPartialName)).toBe(true)
    expect(['stoker', 'stoker-2026', '..', `${names[0]}.partial`, `${names[0]}/x`].filter(isCopyName)).toEqual([])
  })
})

describe('copies beyond the bounds', () => {
  const copies = [5, 4, 3, 2, 1].map((age) => ({ path: `c${age}`, bytes: 10 }))
  const removed = (keep: number, bytesMax: number): string[] =>
    copiesToRemove(copies, { keep, bytesMax }).map(({ path }) => path)

  it('go from the oldest on: by count, by bytes, by both', () => {
    expect(removed(5, 100)).toEqual([])
    expect(removed(3, 100)).toEqual(['c2', 'c1'])
    expect(removed(5, 30)).toEqual(['c2', 'c1'])
    expect(removed(5, 29)).toEqual(['c3', 'c2', 'c1'])
    expect(removed(4, 20)).toEqual(['c3', 'c2', 'c1'])
  })

  it('never take the newest, and none that is older than one that goes', () => {
    expect(removed(1, 1)).toEqual(['c4', 'c3', 'c2', 'c1'])
    const uneven = [
      { path: 'new', bytes: 5 },
      { path: 'large', bytes: 100 },
      { path: 'old', bytes: 1 },
    ]
    expect(copiesToRemove(uneven, { keep: 9, bytesMax: 50 }).map(({ path }) => path)).toEqual(['large', 'old'])
  })
})

describe('the nightly copy', () => {
  const now = Date.UTC(2026, 10, 30)
  const due = (facts: Partial<Parameters<typeof isDue>[0]>): boolean =>
    isDue({
      now,
      hour: 12,
      upMs: 10 * HOUR_MS,
      lastGoodAt: now - 24 * HOUR_MS,
      lastTriedAt: now - 24 * HOUR_MS,
      ...facts,
    })

  it('is made between three and five, once', () => {
    expect([2, 3, 4, 5, 12].map((hour) => due({ hour }))).toEqual([false, true, true, false, false])
    expect(due({ hour: 4, lastGoodAt: now - HOUR_MS, lastTriedAt: now - HOUR_MS })).toBe(false)
  })

  it('is made by day where the rig was off at night, after it ran for half an hour', () => {
    const missed = { lastGoodAt: now - 31 * HOUR_MS, lastTriedAt: now - 31 * HOUR_MS }
    expect(due(missed)).toBe(true)
    expect(due({ ...missed, upMs: 29 * MINUTE_MS })).toBe(false)
    expect(due({ lastGoodAt: null, lastTriedAt: null, upMs: 31 * MINUTE_MS })).toBe(true)
  })

  it('is tried again an hour after it failed, not at every look', () => {
    const failed = { hour: 4, lastGoodAt: now - 40 * HOUR_MS }
    expect(due({ ...failed, lastTriedAt: now - 59 * MINUTE_MS })).toBe(false)
    expect(due({ ...failed, lastTriedAt: now - 61 * MINUTE_MS })).toBe(true)
  })

  it('does not wait for years after a clock that was wrong for a day', () => {
    expect(due({ hour: 4, lastGoodAt: now + 400 * DAY_MS, lastTriedAt: now + 400 * DAY_MS })).toBe(true)
  })
})
