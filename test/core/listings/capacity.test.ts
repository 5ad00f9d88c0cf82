/** How many slots are offered: pure tables, and what keeps the number from flapping. */
import { said } from '#contract/reasons.ts'
import { inEnglish } from '#test/support/in-english.ts'
import { describe, it, expect } from 'vitest'

import type { MeasuredServing, Served } from '#core/jobs/index.ts'
import {
  brokenLimit,
  capacityOf,
  nextOffer,
  type CapacityFacts,
  type CapacityInput,
  type Offered,
} from '#core/listings/capacity.ts'

const limits = { throughputFloorTokPerS: 12, ttftCeilingMs: 5_000 }
const facts: CapacityFacts = {
  slots: 4,
  examSlots: null,
  limits,
  speed: { promptTokensPerSecond: null, perStream: [] },
  outputRatio: 1,
  promptTokens: null,
  generatedTokens: null,
  bound: null,
}
const per = (...perStream: (number | null)[]): Partial<CapacityFacts> => ({
  speed: { promptTokensPerSecond: null, perStream },
})
/** A usual prompt takes so long alone. */
const prompts = (ms: number): Partial<CapacityFacts> => ({
  speed: { promptTokensPerSecond: 1_000, perStream: [] },
  promptTokens: ms,
})

describe('slots offered', () => {
  it.each<[string, Partial<CapacityFacts>, number, string | null]>([
    ['all of them while nothing was measured', {}, 4, null],
    ['all that serve at the floor and a tenth more', per(40, 30, 20, 13.21), 4, null],
    [
      'fewer where the last meets the floor without the margin',
      per(40, 30, 20, 13.1),
      3,
      '3 of 4: with 4 at once each stream gets 13 tokens/s and the grade asks 12, with a tenth to spare',
    ],
    [
      'as many as serve',
      per(40, 20, 9, 7),
      2,
      '2 of 4: with 3 at once each stream gets 9 tokens/s and the grade asks 12',
    ],
    [
      'in the reference’s tokens, not the engine’s',
      { ...per(40, 30, 25, 20), outputRatio: 0.5 },
      2,
      '2 of 4: with 3 at once each stream gets 13 tokens/s and the grade asks 12, with a tenth to spare',
    ],
    ['all of them while the tokens cannot be compared', { ...per(1, 1, 1, 1), outputRatio: null }, 4, null],
    [
      'what lies between measured numbers, by interpolation',
      per(40, null, null, 8),
      2,
      '2 of 4: with 3 at once each stream gets 11 tokens/s and the grade asks 12',
    ],
    [
      'at least one, with the reason',
      per(5),
      1,
      '1 of 4: even alone each stream gets 5 tokens/s and the grade asks 12',
    ],
    [
      'no more than the exam measured',
      { examSlots: 2 },
      2,
      '2 of 4: the exam measured 2 at once; sit it again with this deployment to offer more',
    ],
    [
      'fewer than the exam measured where the machine delivers less now',
      { examSlots: 3, ...per(40, 9) },
      1,
      '1 of 4: with 2 at once each stream gets 9 tokens/s and the grade asks 12',
    ],
    [
      'no more than real jobs showed',
      { bound: { slots: 3, why: said('9 of the last 100 jobs were slow') } },
      3,
      '3 of 4: 9 of the last 100 jobs were slow',
    ],
    [
      'so few that prompts do not wait for each other too long',
      {
        speed: { promptTokensPerSecond: 500, perStream: [100, 100, 100, 100] },
        promptTokens: 1_000,
        generatedTokens: 100,
      },
      2,
      '2 of 4: with 3 at once the first token takes up to 4.7 s and the grade allows 5 s, with a tenth to spare',
    ],
    [
      'so few that prompts do not wait, where the rate of an answer is not known: as if all were at their prompt at once',
      { speed: { promptTokensPerSecond: 500, perStream: [] }, promptTokens: 1_000, generatedTokens: 100 },
      2,
      '2 of 4: with 3 at once the first token takes up to 6 s and the grade allows 5 s',
    ],
    [
      'all of them while no prompt was measured',
      { speed: { promptTokensPerSecond: null, perStream: [] }, promptTokens: 1_000 },
      4,
      null,
    ],
    [
      'all of them at exactly the margin of the rate',
      { ...per(11), slots: 1, limits: { ...limits, throughputFloorTokPerS: 10 } },
      1,
      null,
    ],
    [
      'the floor itself, as met without the margin',
      { ...per(12), slots: 1 },
      1,
      '1 of 1: even alone each stream gets 12 tokens/s and the grade asks 12, with a tenth to spare',
    ],
    ['all of them at exactly the margin of the first token', { ...prompts(4_500), slots: 1 }, 1, null],
    [
      'the ceiling itself, as met without the margin',
      { ...prompts(5_000), slots: 1 },
      1,
      '1 of 1: even alone the first token takes up to 5 s and the grade allows 5 s, with a tenth to spare',
    ],
    ['all of them where the exam measured as many', { examSlots: 4 }, 4, null],
    ['no more than the deployment has where the exam measured more', { examSlots: 9 }, 4, null],
    ['all of them where real jobs showed no less', { bound: { slots: 4, why: said('slow') } }, 4, null],
    [
      'all of them where prompts are a small part of a job',
      { speed: { promptTokensPerSecond: 500, perStream: [20, 20, 20, 20] }, promptTokens: 1_000, generatedTokens: 400 },
      4,
      null,
    ],
  ])('%s', (_name, change, slots, why) => {
    expect(inEnglish(capacityOf({ ...facts, ...change }))).toEqual({ slots, why })
  })
})

const jobs = (count: number, job: Partial<Served>): Served[] =>
  Array.from({ length: count }, () => ({ at: 1, ttftMs: 100, tokPerS: 50, ...job }))

describe('limits that real jobs broke', () => {
  it.each<[string, Served[], string | null]>([
    ['too few jobs to say', jobs(19, { ttftMs: 9_000 }), null],
    ['one in twenty is allowed', [...jobs(19, {}), ...jobs(1, { ttftMs: 9_000 })], null],
    [
      'two in twenty are not',
      [...jobs(18, {}), ...jobs(2, { ttftMs: 9_000 })],
      '2 of the last 20 jobs waited longer than 5 s for their first token',
    ],
    ['too slow', [...jobs(30, {}), ...jobs(3, { tokPerS: 11 })], '3 of the last 33 jobs got less than 12 tokens/s'],
    ['short answers say nothing of the rate', jobs(40, { tokPerS: null }), null],
    ['a first token at the ceiling and a rate at the floor are inside', jobs(20, { ttftMs: 5_000, tokPerS: 12 }), null],
    ['one slow in twenty is allowed', [...jobs(19, {}), ...jobs(1, { tokPerS: 11 })], null],
    [
      'two slow in twenty are not',
      [...jobs(18, {}), ...jobs(2, { tokPerS: 11 })],
      '2 of the last 20 jobs got less than 12 tokens/s',
    ],
    ['too few rates to say', [...jobs(19, { tokPerS: 1 }), ...jobs(21, { tokPerS: null })], null],
  ])('%s', (_name, window, expected) => {
    expect(inEnglish(brokenLimit(window, limits))).toBe(expected)
  })
})

describe('a change of the offer', () => {
  const measured = (perStream: (number | null)[], window: Served[] = []): MeasuredServing => ({
    speed: { promptTokensPerSecond: null, perStream },
    outputRatio: 1,
    promptTokens: null,
    generatedTokens: null,
    window,
  })
  const input = (one: MeasuredServing | null, change: Partial<CapacityInput> = {}): CapacityInput => ({
    slots: 4,
    examSlots: null,
    limits,
    measured: one,
    ...change,
  })
  const good = measured([40, 30, 20, 15])
  const slow = measured([40, 20, 9, 7])
  const follow = (steps: [seconds: number, input: CapacityInput][]): number[] => {
    let offered: Offered | null = null
    return steps.map(([seconds, one]) => (offered = nextOffer(offered, one, seconds * 1_000)).slots)
  }

  it('comes at most every 30 s, by figures alone', () => {
    expect(
      follow([
        [0, input(good)],
        [10, input(slow)],
        [29, input(slow)],
        [30, input(slow)],
        [35, input(good)],
        [59, input(good)],
      ]),
    ).toEqual([4, 4, 4, 2, 2, 2])
  })

  it('goes up one at a time, each number measured before the next', () => {
    expect(
      follow([
        [0, input(slow)],
        [30, input(good)],
        [45, input(good)],
        [60, input(good)],
        [90, input(good)],
      ]),
    ).toEqual([2, 3, 3, 4, 4])
  })

  it('comes at once, and only downwards, when the last jobs broke a limit; the limit holds for ten minutes', () => {
    const broken = measured([40, 30, 20, 15], jobs(20, { ttftMs: 9_000 }))
    const [first, after, calm, late] = [0, 5, 40, 640].reduce<Offered[]>(
      (all, seconds, at) => [...all, nextOffer(all.at(-1) ?? null, input(at === 1 ? broken : good), seconds * 1_000)],
      [],
    )
    expect([first!.slots, after!.slots, calm!.slots, late!.slots]).toEqual([4, 3, 3, 4])
    expect(inEnglish(after)).toMatchObject({
      why: '3 of 4: 20 of the last 20 jobs waited longer than 5 s for their first token',
      judgedFrom: 5_000,
    })
    expect(late!.why).toBeNull()
  })

  it('comes thirty seconds after the last one, not after the last look', () => {
    expect(
      follow([
        [0, input(good)],
        [40, input(good)],
        [41, input(slow)],
      ]),
    ).toEqual([4, 4, 2])
  })

  it('says why, and keeps the first figure while the number stays', () => {
    const offered: Offered[] = []
    const then = (seconds: number, one: CapacityInput): string | null => {
      offered.push(nextOffer(offered.at(-1) ?? null, one, seconds * 1_000))
      return inEnglish(offered.at(-1)!.why)
    }
    const first = '2 of 4: with 3 at once each stream gets 9 tokens/s and the grade asks 12'
    expect(then(0, input(slow))).toBe(first)
    expect(then(60, input(measured([40, 20, 8, 7])))).toBe(first)
    // As many as there are now: no reason is left.
    expect(then(61, input(good, { slots: 2 }))).toBeNull()
    expect(then(120, input(measured([40, 9]), { slots: 2 }))).toBe(
      '1 of 2: with 2 at once each stream gets 9 tokens/s and the grade asks 12',
    )
    expect(then(180, input(good))).toBe('2 of 4: one more is tried at a time')
  })

  it('has a reason from the moment there is one, though the number stays', () => {
    const one = { slots: 1 }
    const first = nextOffer(null, input(measured([40]), one), 0)
    expect(inEnglish(nextOffer(first, input(measured([9]), one), 1_000))).toMatchObject({
      slots: 1,
      why: '1 of 1: even alone each stream gets 9 tokens/s and the grade asks 12',
    })
  })

  it('is bound for ten minutes to the millisecond, and judges jobs anew only after they broke a limit', () => {
    const broken = measured([40, 30, 20, 15], jobs(20, { ttftMs: 9_000 }))
    const bound = nextOffer(nextOffer(null, input(good), 7_000), input(broken), 10_000)
    expect(bound).toMatchObject({ judgedFrom: 10_000, bound: { slots: 3, until: 610_000 } })
    expect(nextOffer(bound, input(good), 609_999)).toMatchObject({ slots: 3, judgedFrom: 10_000, bound: { slots: 3 } })
    expect(nextOffer(bound, input(good), 610_000)).toMatchObject({ slots: 4, judgedFrom: 10_000, bound: null })
  })

  it('comes at once when the exchange would take no more than that', () => {
    expect(
      follow([
        [0, input(null)],
        [1, input(null, { examSlots: 2 })],
        [2, input(null, { slots: 1 })],
      ]),
    ).toEqual([4, 2, 1])
  })
})
