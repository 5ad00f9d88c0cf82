/** Catches: an exchange's numbers become timers that spin or never fire, dates nobody can show, 20,000 messages. */
import { describe, expect, it } from 'vitest'

import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import { boundedFrame, boundedTiming, holdsTooLong, NoticeBound } from '#venues/stoker/exchange-bounds.ts'

const notice = { t: 'notice', level: 'act-now', text: 'look' } as const

describe('an exchange’s numbers', () => {
  it('become timers that can be kept', () => {
    const wild = { heartbeatMs: 2 ** 53, resumeWithinMs: 2 ** 53 }
    expect(boundedTiming(wild)).toEqual({ heartbeatMs: MINUTE_MS, resumeWithinMs: 10 * MINUTE_MS })
    const honest = { heartbeatMs: 5_000, resumeWithinMs: 5_000 }
    expect(boundedTiming(honest)).toEqual(honest)
  })

  it('a hold of more than a year is refused', () => {
    expect([366 * DAY_MS, 366 * DAY_MS + 1].map((holdMs) => holdsTooLong({ holdMs }))).toEqual([false, true])
  })

  it('a job’s deadline is a day at most', () => {
    const job = (deadlineMs: number) => boundedFrame({ t: 'job', deadlineMs } as never)
    expect([job(2 ** 53), job(60_000)]).toMatchObject([{ deadlineMs: DAY_MS }, { deadlineMs: 60_000 }])
  })

  it('of 20,000 notices a handful reach the owner, then one a minute; other frames are not held up', () => {
    const bound = new NoticeBound(0)
    let passed = 0
    for (let count = 0; count < 20_000; count += 1) passed += bound.lets(notice, 0) ? 1 : 0
    expect([passed, bound.takeDropped(), bound.takeDropped()]).toEqual([8, 19_992, 0])
    expect(bound.lets({ t: 'pong', n: 1, time: 0 }, 0)).toBe(true)
    expect([bound.lets(notice, MINUTE_MS), bound.lets(notice, MINUTE_MS)]).toEqual([true, false])
    // What only stands beside a listing has its own bound.
    const remark = { ...notice, level: 'info' } as const
    let remarks = 0
    for (let count = 0; count < 20_000; count += 1) remarks += bound.lets(remark, MINUTE_MS) ? 1 : 0
    expect(remarks).toBe(64)
  })
})
