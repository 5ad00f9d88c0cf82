import { describe, expect, it } from 'vitest'

import { lnBeta, lnGamma } from '#exam/ln-gamma.ts'
import { confidenceInterval, defaultTarget, limitState, limitView, score, type LimitState } from '#exam/verdict.ts'

/** Seeded uniform numbers in [0, 1): mulberry32. */
function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const RUNS = 4_000
/** Three standard errors of a share of 5 %. */
const tolerance = (runs: number): number => 3 * Math.sqrt((0.05 * 0.95) / runs)

function run(
  random: () => number,
  rate: number,
  limit: { floor: number; target: number },
  m: number,
  step: number,
  most: number,
): LimitState {
  let [n, k] = [0, 0]
  while (n < most) {
    for (let at = 0; at < step; at += 1) if (random() < rate) k += 1
    n += step
    const state = limitState({ name: '', ...limit, n, k }, m)
    if (state !== 'undecided') return state
  }
  return 'undecided'
}

function shares(rate: number, limit: { floor: number; target: number }, m: number, step: number, most: number) {
  const random = uniform(20_260_101)
  const counts = { passed: 0, 'not-reached': 0, undecided: 0 }
  for (let at = 0; at < RUNS; at += 1) counts[run(random, rate, limit, m, step, most)] += 1 / RUNS
  return counts
}

describe('sequential verdict', () => {
  it.each([
    ['text-nano level', { floor: 0.7, target: 0.8 }, 8, 400],
    ['text-micro level', { floor: 0.6, target: 0.7 }, 8, 400],
    ['a family floor', { floor: 0.8, target: 0.9 }, 1, 170],
    ['a service limit', { floor: 0.95, target: 0.98 }, 1, 500],
  ])(
    '%s: a model at the floor passes at most 5 %% of the time, one at the target is turned away at most 5 %%',
    (_, limit, step, most) => {
      const atFloor = shares(limit.floor, limit, 5, step, most)
      const atTarget = shares(limit.target, limit, 5, step, most)
      expect(atFloor.passed).toBeLessThanOrEqual(0.05 + tolerance(RUNS))
      expect(atTarget['not-reached']).toBeLessThanOrEqual(0.05 / 5 + tolerance(RUNS))
      // The test must have power too: a rule that never decides would satisfy both bounds.
      expect(atFloor['not-reached']).toBeGreaterThan(0.3)
      expect(atTarget.passed).toBeGreaterThan(0.6)
    },
  )

  it('turns a deployment at every target away at most 5 % of the time over all its limits together (catches a missing ·m)', () => {
    const random = uniform(7)
    const limits = [
      { floor: 0.7, target: 0.8, step: 8, most: 400 },
      ...Array.from({ length: 4 }, () => ({ floor: 0.95, target: 0.98, step: 1, most: 500 })),
    ]
    const runs = 1_000
    let turnedAway = 0
    for (let at = 0; at < runs; at += 1)
      if (
        limits.some(
          (limit) => run(random, limit.target, limit, limits.length, limit.step, limit.most) === 'not-reached',
        )
      )
        turnedAway += 1
    expect(turnedAway / runs).toBeLessThanOrEqual(0.05 + tolerance(runs))
  })

  it('decides at exactly ln 20 and −ln(20·m)', () => {
    const limit = { name: '', floor: 0.95, target: 0.98, n: 96, k: 96 }
    expect(score(limit)).toBeCloseTo(96 * Math.log(0.98 / 0.95), 12)
    expect(limitState(limit, 5)).toBe('undecided')
    expect(limitState({ ...limit, n: 97, k: 97 }, 5)).toBe('passed')
    expect(limitState({ ...limit, n: 5, k: 0 }, 5)).toBe('undecided')
    expect(limitState({ ...limit, n: 6, k: 0 }, 5)).toBe('not-reached')
    expect(limitState({ ...limit, n: 5, k: 0 }, 1)).toBe('not-reached')
  })

  it('scores right and wrong answers by their likelihood', () => {
    expect(score({ floor: 0.7, target: 0.8, n: 10, k: 7 })).toBeCloseTo(7 * Math.log(8 / 7) + 3 * Math.log(2 / 3), 12)
    expect(score({ floor: 0.7, target: 0.8, n: 3, k: 0 })).toBeCloseTo(3 * Math.log(2 / 3), 12)
  })

  it('decides at the bound itself, not only beyond it', () => {
    // One right answer is 20 times as likely at the target, one wrong answer 20 times as likely at the floor.
    const right = { name: '', floor: 0.04, target: 0.8, n: 1, k: 1 }
    expect([score(right), limitState(right, 5)]).toEqual([Math.log(20), 'passed'])
    const wrong = { name: '', floor: 0.375, target: 0.96875, n: 1, k: 0 }
    expect([score(wrong), limitState(wrong, 1), limitState(wrong, 2)]).toEqual([
      -Math.log(20),
      'not-reached',
      'undecided',
    ])
  })

  it('is shown with its score, its state and its interval', () => {
    const limit = { name: 'x', floor: 0.7, target: 0.8, n: 24, k: 24 }
    expect(limitView(limit, 5)).toEqual({ ...limit, s: score(limit), state: 'passed', ...confidenceInterval(24, 24) })
    expect(limitView({ ...limit, k: 0 }, 5).state).toBe('not-reached')
  })

  it.each([
    [0.5, 0.6],
    [0.7, 0.8],
    [0.8, 0.9],
    [0.9, 0.95],
    [0.95, 0.975],
  ])('a floor of %s without a target gets %s', (floor, target) => {
    expect(defaultTarget(floor)).toBeCloseTo(target, 12)
  })
})

describe('confidence sequence', () => {
  it('holds the true share at every n up to 400 together in at least 95 % of runs (a fixed-n interval would not)', () => {
    for (const rate of [0.5, 0.82, 0.97]) {
      const random = uniform(Math.round(rate * 1_000))
      // lnB(k+½, n−k+½) − ln π − ln likelihood at the true share: inside means below ln 20. The interval itself is
      // checked against it below.
      let [covered, fixed] = [0, 0]
      for (let at = 0; at < 1_000; at += 1) {
        let [k, always, alwaysFixed] = [0, true, true]
        for (let n = 1; n <= 400; n += 1) {
          if (random() < rate) k += 1
          always &&=
            lnBeta(k + 0.5, n - k + 0.5) - Math.log(Math.PI) - k * Math.log(rate) - (n - k) * Math.log(1 - rate) <
            Math.log(20)
          alwaysFixed &&= n < 20 || Math.abs(k / n - rate) <= 1.96 * Math.sqrt((rate * (1 - rate)) / n)
        }
        covered += always ? 1 / 1_000 : 0
        fixed += alwaysFixed ? 1 / 1_000 : 0
      }
      expect(covered).toBeGreaterThanOrEqual(0.95 - tolerance(1_000))
      expect(fixed).toBeLessThan(0.9)
    }
  })

  it.each([
    [1, 0],
    [1, 1],
    [8, 8],
    [40, 33],
    [97, 97],
    [400, 300],
    [500, 0],
    [500, 499],
  ])('ends where the evidence against a share is ln 20 (n=%i, k=%i)', (n, k) => {
    const against = (g: number) =>
      lnBeta(k + 0.5, n - k + 0.5) - Math.log(Math.PI) - k * Math.log(g) - (n - k) * Math.log(1 - g)
    const { low, high } = confidenceInterval(n, k)
    // An end at 0 or 1 is no root: there the evidence stays below ln 20 all the way.
    expect(low === 0 ? Math.log(20) : against(low)).toBeCloseTo(Math.log(20), 8)
    expect(high === 1 ? Math.log(20) : against(high)).toBeCloseTo(Math.log(20), 8)
    expect([low === 0, high === 1]).toEqual([k === 0, k === n])
    expect(low).toBeLessThanOrEqual(k / n)
    expect(high).toBeGreaterThanOrEqual(k / n)
  })

  it('says nothing before the first answer', () => {
    expect(confidenceInterval(0, 0)).toEqual({ low: 0, high: 1 })
  })
})

describe('lnGamma', () => {
  it('knows factorials and Γ(½) = √π to 1e-13', () => {
    let factorial = 0
    for (let n = 1; n <= 60; n += 1) {
      expect(Math.abs(lnGamma(n) - factorial)).toBeLessThanOrEqual(1e-13 * Math.max(1, factorial))
      factorial += Math.log(n)
    }
    expect(lnGamma(0.5)).toBeCloseTo(0.5 * Math.log(Math.PI), 13)
    expect(lnGamma(1.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI) / 2), 13)
  })

  it.each([0, -1, Number.NaN])('refuses %s', (x) => {
    expect(() => lnGamma(x)).toThrow(RangeError)
  })
})
