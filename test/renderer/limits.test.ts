import { describe, expect, it } from 'vitest'

import type { LimitView } from '#contract/exams.ts'
import { byFamily } from '#ui/exam/items.ts'
import { anytimeInterval } from '#ui/interval.ts'
import { evidenceShare, limitRow, limitTitle, percentile } from '#ui/limit-figures.ts'

const limits = {
  intelligence: { floor: 0.7, target: 0.8 },
  families: {},
  ttftCeilingMs: 5_000,
  throughputFloorTokPerS: 10,
  contextTokens: 128,
  outputTokens: 32,
  errorRateCeiling: 0.05,
}
const view = (name: string, k: number, n: number, floor: number): LimitView => ({
  name,
  k,
  n,
  floor,
  target: floor + 0.05,
  s: 1,
  state: 'undecided',
  low: 0.5,
  high: 0.9,
})

describe('limit rows', () => {
  it('shares of right answers keep their direction', () => {
    expect(limitRow(view('intelligence', 80, 100, 0.7), limits)).toMatchObject({
      value: 0.8,
      limit: 0.7,
      max: 1,
      text: '80\u00a0% right of 100, floor 70\u00a0%',
    })
  })
  it('service limits show the share outside and what was measured: 97 of 97 inside must not read as a failure', () => {
    const items = [
      { itemId: 'a', phase: 'items' as const, right: true, reason: '', ttftMs: 56, tokPerS: null, tokens: 1 },
    ]
    const row = limitRow(view('time to first token', 95, 97, 0.95), limits, items)
    expect(row.value).toBeCloseTo(2 / 97)
    expect(row.limit).toBeCloseTo(0.05)
    expect(row.low).toBeLessThan(row.high)
    expect(row.text).toBe('2 of 97 over 5 s (p95 56 ms)')
  })
  it('says so before anything was measured', () => {
    expect(limitRow(view('throughput at slots', 0, 0, 0.95), limits)).toMatchObject({
      value: null,
      text: 'no calls yet, at most 5\u00a0% below 10 tok/s',
    })
  })
  it('names', () =>
    expect(
      [
        'intelligence',
        'time to first token',
        'throughput single',
        'throughput at slots',
        'context and output',
        'family tools',
        'family arith',
      ].map(limitTitle),
    ).toEqual([
      'Intelligence',
      'First token',
      'Throughput',
      'Throughput at full load',
      'Context and output',
      'Tool accuracy',
      'Arith',
    ]))
  it('progress is the evidence gathered, and whole when all is decided', () => {
    expect(evidenceShare([{ ...view('a', 1, 1, 0.7), s: Math.log(20) / 2 }])).toBeCloseTo(0.5)
    expect(evidenceShare([{ ...view('a', 1, 1, 0.7), s: -9, state: 'not-reached' }])).toBe(1)
  })
  it('percentiles by nearest rank', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2)
    expect(percentile([], 0.95)).toBeNull()
  })
})

describe('the interval valid at any moment', () => {
  it('holds the defining inequality at its ends and contains the share', () => {
    for (const [k, n] of [
      [16, 16],
      [0, 16],
      [82, 96],
      [2, 16],
    ] as const) {
      const { low, high } = anytimeInterval(k, n)
      expect(low).toBeLessThanOrEqual(k / n)
      expect(high).toBeGreaterThanOrEqual(k / n)
      expect(low).toBeGreaterThanOrEqual(0)
      expect(high).toBeLessThanOrEqual(1)
    }
  })
  it('agrees with a value worked out by hand: 16 of 16 has low = exp((ln B(16.5, ½) − ln π − ln 20) / 16)', () => {
    // B(16.5, 0.5) = Γ(16.5)·Γ(0.5)/Γ(17) = π · C(32,16) / 4^16
    const lnB = Math.log(Math.PI) + Math.log(601_080_390) - 16 * Math.log(4)
    expect(anytimeInterval(16, 16).low).toBeCloseTo(Math.exp((lnB - Math.log(Math.PI) - Math.log(20)) / 16), 6)
    expect(anytimeInterval(16, 16).high).toBe(1)
  })
  it('counts families from questions only', () => {
    const item = (itemId: string, phase: 'items' | 'single', right: boolean | null) => ({
      itemId,
      phase,
      right,
      reason: '',
      ttftMs: null,
      tokPerS: null,
      tokens: null,
    })
    expect(
      byFamily([
        item('arith/1/0', 'items', true),
        item('arith/1/1', 'items', false),
        item('logic/1/0', 'items', null),
        item('load-single/1/0', 'single', true),
      ]),
    ).toMatchObject([{ family: 'arith', right: 1, asked: 2 }])
  })
})
