/** What a judged call counts for, each limit exactly at its boundary and one step beyond it. */
import { describe, expect, it } from 'vitest'

import type { GradeSpec } from '#contract/grades.ts'
import { familyLimit, LIMIT, Tally } from '#exam/tally.ts'
import type { Carried, RecordedItem } from '#exam/exam-types.ts'

import { FAKE_SPEC } from '../support/fake-exchange.ts'

const CEILING = 5_000
const FLOOR = 10
const SPEC: GradeSpec = {
  ...FAKE_SPEC,
  limits: {
    ...FAKE_SPEC.limits,
    ttftCeilingMs: CEILING,
    throughputFloorTokPerS: FLOOR,
    families: { arith: { floor: 0.5, target: 0.6 } },
    errorRateCeiling: 0.05,
  },
}
const call = (change: Partial<RecordedItem> = {}): RecordedItem => ({
  itemId: 'arith/1/0',
  phase: 'items',
  right: true,
  reason: 'right',
  ttftMs: 1,
  tokens: 10,
  tokPerS: null,
  ...change,
})
const load = (change: Partial<RecordedItem> = {}): RecordedItem => call({ phase: 'single', tokPerS: FLOOR, ...change })
const tally = (slots = 2, carried: Carried = {}): Tally => new Tally(SPEC, slots, carried)
const counted = (judged: Tally, name: string): [k: number, n: number] => {
  const { k, n } = judged.views().find((view) => view.name === name)!
  return [k, n]
}

describe('the time to first token', () => {
  it.each([
    [0, 1],
    [CEILING - 1, 1],
    [CEILING, 1],
    [CEILING + 0.001, 0],
    [CEILING + 1, 0],
    [null, 0],
  ])('of %s ms is inside the ceiling of 5,000: %i', (ttftMs, k) => {
    const judged = tally()
    judged.item(call({ ttftMs }), 'arith', false)
    expect(counted(judged, LIMIT.ttft)).toEqual([k, 1])
    judged.load(load({ ttftMs }))
    expect(counted(judged, LIMIT.ttft)).toEqual([2 * k, 2])
  })
})

describe('the throughput', () => {
  it.each([
    [FLOOR + 1, true, 1],
    [FLOOR, true, 1],
    [FLOOR - 0.001, true, 0],
    [null, true, 0],
    [FLOOR + 1, false, 0],
  ])('of %s tok/s in a call that was right (%s) counts for %i', (tokPerS, right, fast) => {
    const judged = tally()
    judged.load(load({ tokPerS, right }))
    judged.load(load({ tokPerS, right, phase: 'slots' }))
    expect([counted(judged, LIMIT.single), counted(judged, LIMIT.slots), counted(judged, LIMIT.full)]).toEqual([
      [fast, 1],
      [fast, 1],
      [right ? 2 : 0, 2],
    ])
  })

  it('of one stream counts for the slots too where there is one slot, and only there', () => {
    const [one, two] = [tally(1), tally(2)]
    for (const judged of [one, two]) judged.load(load())
    expect([counted(one, LIMIT.slots), counted(two, LIMIT.slots)]).toEqual([
      [1, 1],
      [0, 0],
    ])
  })
})

describe('a question', () => {
  it('counts for its family at once, for the level when its round is complete, and not for the level when it is extra', () => {
    const judged = tally()
    judged.item(call(), 'arith', false)
    judged.item(call({ right: false, reason: 'wrong' }), 'other', false)
    judged.item(call(), 'arith', null)
    expect([counted(judged, familyLimit('arith')), counted(judged, LIMIT.intelligence)]).toEqual([
      [2, 2],
      [0, 0],
    ])
    judged.item(call(), 'arith', true)
    expect(counted(judged, LIMIT.intelligence)).toEqual([2, 3])
    judged.item(call(), 'arith', true)
    expect(counted(judged, LIMIT.intelligence)).toEqual([3, 4])
  })

  it('that failed counts as an error, and one that was only wrong does not', () => {
    const judged = tally()
    judged.item(call({ right: false, reason: 'error ENGINE_CRASHED' }), 'arith', true)
    judged.item(call({ right: false, reason: 'an error of its own' }), 'arith', true)
    judged.load(load({ right: false, reason: 'error TIMEOUT' }))
    expect(judged.errorRate()).toEqual({ calls: 3, failed: 2, ceiling: 0.05, provisional: true })
  })
})

describe('a limit', () => {
  it('begins with what earlier attempts carried over', () => {
    const judged = tally(2, { [LIMIT.ttft]: { n: 7, k: 5 } })
    judged.item(call(), 'arith', false)
    expect([counted(judged, LIMIT.ttft), counted(judged, familyLimit('arith'))]).toEqual([
      [6, 8],
      [1, 1],
    ])
  })

  it('of the service allows 5 % outside it, and is made for 2 %', () => {
    const service = tally()
      .views()
      .filter(({ name }) => [LIMIT.ttft, LIMIT.single, LIMIT.slots, LIMIT.full].includes(name as never))
    expect(service.map(({ floor, target }) => [floor, target])).toEqual(Array.from({ length: 4 }, () => [0.95, 0.98]))
  })

  it('stops counting at its decision, and another one goes on', () => {
    const judged = tally()
    for (let n = 0; n < 200; n += 1) judged.item(call({ ttftMs: CEILING + 1 }), 'arith', false)
    expect(judged.state(LIMIT.ttft)).toBe('not-reached')
    const [, before] = counted(judged, LIMIT.ttft)
    expect(before).toBeLessThan(200)
    judged.item(call(), 'arith', true)
    expect(counted(judged, LIMIT.ttft)).toEqual([0, before])
    expect(counted(judged, LIMIT.intelligence)).toEqual([201, 201])
    expect([judged.anyNotReached, judged.allPassed, judged.state('family nobody asks')]).toEqual([
      true,
      false,
      'passed',
    ])
  })

  it('is passed as a whole only when every one is', () => {
    const judged = tally(1)
    for (let n = 0; n < 400; n += 1) judged.item(call(), 'arith', true)
    expect([judged.anyNotReached, judged.allPassed]).toEqual([false, false])
    for (let n = 0; n < 400; n += 1) judged.load(load())
    expect([judged.anyNotReached, judged.allPassed]).toEqual([false, true])
  })
})
