/** The chart of income as shapes, the figures of the tiles and the address of the view: pure. */
import { describe, expect, it } from 'vitest'

import type { Summary } from '#contract/earnings.ts'
import { nano } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import { colourOf } from '#ui/chart-data.ts'

import { parseEarningsSearch, rangeOf, shifted, toggled } from '../../src-renderer/features/earnings/earnings-search.ts'
import { busyShare, causesOf, earnedOf, isOneMoney, netOf } from '../../src-renderer/features/earnings/figures.ts'
import { placeMarks } from '../../src-renderer/features/earnings/mark-lane.tsx'
import type { PlotColumn } from '../../src-renderer/features/earnings/plot-data.ts'
import { bandsOf, type Frame, scalesOf, shapesOf } from '../../src-renderer/features/earnings/plot-shape.ts'
import { weekCells } from '../../src-renderer/features/earnings/week-cells.ts'

const FRAME: Frame = { width: 1_000, height: 300, left: 50, right: 0, top: 20, bottom: 20 }
const column = (index: number, change: Partial<PlotColumn>): PlotColumn => ({
  at: index * 1_000,
  end: (index + 1) * 1_000,
  label: String(index),
  begun: true,
  parts: [],
  earned: 0,
  held: 0,
  jobs: 0,
  power: null,
  gpus: [],
  off: 0,
  listedMs: 0,
  servedMs: 0,
  busyMs: 0,
  onMs: 0,
  ...change,
})
const sold = (index: number, held: number): PlotColumn =>
  column(index, {
    parts: [
      { place: 0, earned: 600, held },
      { place: 1, earned: 400, held: 0 },
    ],
    earned: 1_000,
    held,
    power: 300,
  })
/** Left edge, top, width and height of every box of a path. */
const boxes = (path = ''): number[][] =>
  [...path.matchAll(/M([\d.-]+) ([\d.-]+)h([\d.]+)v([\d.]+)/g)].map((match) => match.slice(1).map(Number))

describe('bars', () => {
  const scales = scalesOf(1_000, 300, true, FRAME)

  it('stand where they stand and are as wide as they are whatever is held of them', () => {
    const shapes = (held: number) => shapesOf([sold(0, held), sold(1, 0)], scales, FRAME, true)
    const [free, half, all] = [shapes(0), shapes(300), shapes(600)]
    const second = (made: typeof free) => boxes(made.solid.get(1))
    // The grade above does not move.
    expect(second(half)).toEqual(second(free))
    expect(second(all)).toEqual(second(free))
    const [lower] = boxes(free.solid.get(0))
    const [held] = boxes(all.hatched.get(0))
    expect(held).toEqual(lower)
    const [solid, hatched] = [boxes(half.solid.get(0))[0]!, boxes(half.hatched.get(0))[0]!]
    expect([solid[0], solid[2]]).toEqual([lower![0], lower![2]])
    expect([hatched[0], hatched[2]]).toEqual([lower![0], lower![2]])
    expect(solid[3]! + hatched[3]!).toBeCloseTo(lower![3]!, 1)
    expect(half.net).toBe(free.net)
  })

  it('have one scale with electricity where both are one money: as many pixels a unit above as below', () => {
    expect(scales.zero - scales.yUp(500)).toBeCloseTo(scales.yDown(500) - scales.zero)
    const two = scalesOf(1_000, 300, false, FRAME)
    expect(two.yDown(300)).toBeLessThanOrEqual(FRAME.height - FRAME.bottom + 0.01)
    expect(two.yDown(0)).toBeGreaterThan(two.zero)
  })

  it('say net as earned less electricity, also where that is a loss', () => {
    const { net } = shapesOf([column(0, { power: 300 }), sold(1, 0)], scales, FRAME, true)
    const levels = [...net.matchAll(/M[\d.-]+ ([\d.]+)/g)].map((match) => Number(match[1]))
    expect(levels[0]).toBeCloseTo(scales.yDown(300), 1)
    expect(levels[1]).toBeCloseTo(scales.yUp(700), 1)
  })

  it('are one path a series, and shade hours in which the rig was off for a part of the time', () => {
    const columns = Array.from({ length: 120 }, (_, index) => column(index, { off: [0, 0.4, 1][index % 3]! }))
    const made = shapesOf(columns, scales, FRAME, false)
    expect([boxes(made.partlyOff).length, boxes(made.off).length]).toEqual([40, 40])
    expect(bandsOf(120, FRAME).band).toBeCloseTo(950 / 120)
  })
})

const sums = (change: Partial<Summary>): Summary =>
  ({
    grossNano: nano(0),
    feeNano: nano(0),
    writtenOffNano: nano(0),
    inputTokens: 0,
    outputTokens: 0,
    listedMs: 0,
    busyMs: 0,
    powerNano: null,
    powerCurrency: 'EUR',
    ...change,
  }) as Summary

describe('figures', () => {
  const now = sums({
    grossNano: nano(1_001),
    feeNano: nano(50),
    inputTokens: 7,
    outputTokens: 13,
    listedMs: 90,
    powerNano: nano(333),
  })
  const before = sums({
    grossNano: nano(777),
    feeNano: nano(39),
    writtenOffNano: nano(5),
    inputTokens: 9,
    outputTokens: 2,
    listedMs: 70,
    powerNano: nano(350),
  })

  it('split a change into causes that sum to it, to the last nano-unit', () => {
    const total = (withPower: boolean): number =>
      causesOf(now, before, withPower)!.reduce((sum, { nano }) => sum + nano, 0)
    expect(total(false)).toBe(earnedOf(now) - earnedOf(before))
    expect(total(true)).toBe(earnedOf(now) - 333 - (earnedOf(before) - 350))
    expect(causesOf(now, sums({ listedMs: 5 }), true)).toBeNull()
  })

  it('know a net only where income and electricity are one money and all of it is looked at', () => {
    expect(isOneMoney(unitOf('EUR'), 'EUR')).toBe(true)
    expect(isOneMoney(unitOf('PCR'), 'PCR')).toBe(false)
    expect(isOneMoney(unitOf('USD'), 'EUR')).toBe(false)
    expect(netOf(now, unitOf('EUR'), false)).toBe(951 - 333)
    expect(netOf(now, unitOf('EUR'), true)).toBeNull()
    expect(netOf(now, unitOf('PCR'), false)).toBeNull()
  })

  it('know no busy share of what was not listed', () => {
    expect(busyShare(sums({ busyMs: 5 }))).toBeNull()
    expect(busyShare(sums({ busyMs: 5, listedMs: 20 }))).toBe(0.25)
  })
})

describe('the address', () => {
  it('keeps what it knows and drops the rest', () => {
    expect(parseEarningsSearch({ span: '7d', split: 'model', only: ['a', 3, ''], show: 'sums', x: 1 })).toEqual({
      span: '7d',
      split: 'model',
      only: ['a'],
      show: 'sums',
    })
    expect(parseEarningsSearch({ span: '30d?locale=en', first: '2026-02-30', last: '2026-03-01' })).toEqual({})
    expect(parseEarningsSearch({ first: '2026-03-02', last: '2026-03-01' })).toEqual({})
    expect(rangeOf(parseEarningsSearch({ first: '2026-03-01', last: '2026-03-02', span: '7d' }), 'UTC')).toEqual({
      firstDay: '2026-03-01',
      lastDay: '2026-03-02',
      zone: 'UTC',
      by: 'instrument',
    })
  })

  it('goes as many days back and forward as it holds, never beyond today', () => {
    const week = { first: '2026-03-25', last: '2026-03-31' }
    expect(shifted(week, -1, '2026-04-01')).toEqual({ first: '2026-03-18', last: '2026-03-24' })
    expect(shifted(week, 1, '2026-04-01')).toEqual({ first: '2026-04-01', last: '2026-04-07' })
    expect(shifted(week, 1, '2026-03-31')).toBeNull()
  })

  it('takes a source out and puts it back; all of them are no filter', () => {
    const all = ['a', 'b', 'c']
    expect(toggled(undefined, 'a', all)).toEqual(['b', 'c'])
    expect(toggled(['b', 'c'], 'a', all)).toBeUndefined()
    expect(toggled(['b'], 'b', all)).toBeUndefined()
  })

  it('gives eight places eight colours', () =>
    expect(new Set(Array.from({ length: 8 }, (_, place) => colourOf(place))).size).toBe(8))
})

describe('marks', () => {
  it('write their words where they fit, and are a sign alone where they do not', () => {
    const columns = Array.from({ length: 10 }, (_, index) => column(index, {}))
    const mark = (at: number) =>
      ({ at, kind: 'ask', code: 'listing.paused', instrument: 'g', askNano: null, beforeNano: null }) as const
    const spots = placeMarks([mark(100), mark(110), mark(120), mark(9_990)], columns, FRAME, {
      unit: unitOf('EUR'),
      rem: 14,
    })
    expect(spots.map(({ row, text }) => [row, text])).toEqual([
      [0, 'g paused'],
      [1, 'g paused'],
      [1, ''],
      [1, ''],
    ])
  })
})

describe('hours of the week', () => {
  it('are per listed hour, net where there is a net, and nothing where nothing was listed', () => {
    const hour = { earnedNano: 100, costNano: 40, onMs: 0, listedMs: 7_200_000, servedMs: 0, busyMs: 0 } as never
    const none = { earnedNano: 0, costNano: 40, onMs: 0, listedMs: 0, servedMs: 0, busyMs: 0 } as never
    expect(weekCells({ hours: [hour, none] }, true).map(({ value }) => value)).toEqual([30, null])
    expect(weekCells({ hours: [hour, none] }, false)[0]!.value).toBe(50)
  })
})
