/** Dates and periods, the week, the history, releases and marks: over a year of rows, beside a slow count of the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { dayStart, offsetsBetween } from '#core/earnings/calendar.ts'
import { periodBefore, resolveRange } from '#core/earnings/ranges.ts'
import { type EarnedYear, earnedYear, YEAR_NOW } from '#test/support/earned-year.ts'

const BERLIN = 'Europe/Berlin'
const day = (date: string): number => dayStart(date, BERLIN)
const asked = (firstDay: string, lastDay: string) => ({ firstDay, lastDay, zone: BERLIN, by: 'instrument' }) as const

describe('dates', () => {
  it('are days of the zone, both included, by the step that suits their number', () => {
    const range = resolveRange(asked('2026-03-28', '2026-03-30'), YEAR_NOW)
    // The clocks went forward in between.
    expect(range).toEqual({ from: day('2026-03-28'), to: day('2026-03-31'), bucket: 'hour', zone: BERLIN })
    expect(range.to - range.from).toBe(71 * HOUR_MS)
    expect(resolveRange(asked('2026-01-01', '2026-03-31'), YEAR_NOW).bucket).toBe('day')
    expect(resolveRange(asked('2026-01-01', '2026-12-31'), YEAR_NOW).bucket).toBe('month')
  })

  it('are refused where no calendar has them, or in the wrong order', () => {
    expect(() => resolveRange(asked('2026-02-30', '2026-03-01'), YEAR_NOW)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
    expect(() => resolveRange(asked('2026-03-02', '2026-03-01'), YEAR_NOW)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
  })
})

describe('the period before', () => {
  it('is as many days by the calendar, whatever the clocks did', () => {
    const before = periodBefore(resolveRange(asked('2026-03-29', '2026-04-04'), YEAR_NOW), YEAR_NOW)
    expect([before.from, before.to]).toEqual([day('2026-03-22'), day('2026-03-29')])
  })

  it('ends where this one stands while it runs', () => {
    const range = resolveRange({ span: '7d', zone: BERLIN, by: 'instrument' }, YEAR_NOW)
    const before = periodBefore(range, YEAR_NOW)
    expect(before.from).toBe(day('2026-11-15'))
    expect(before.to - before.from).toBe(Math.ceil((YEAR_NOW - range.from) / QUARTER_MS) * QUARTER_MS)
  })

  it('is of whole months for months', () => {
    const before = periodBefore(resolveRange(asked('2025-03-01', '2025-03-31'), YEAR_NOW), YEAR_NOW)
    expect([before.from, before.to]).toEqual([day('2025-02-01'), day('2025-03-01')])
  })
})

it('a zone’s stretches of one offset cover a range without a gap', () => {
  const [from, to] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]
  const stretches = offsetsBetween(from, to, BERLIN)
  expect(stretches.map(({ offset }) => offset / HOUR_MS)).toEqual([1, 2, 1])
  expect(stretches.map((each) => each.to)).toEqual([...stretches.slice(1).map((each) => each.from), to])
  expect(offsetsBetween(from, to, 'UTC')).toHaveLength(1)
})

describe('a year', () => {
  let year: EarnedYear
  beforeAll(() => {
    year = earnedYear()
  })
  afterAll(() => year.close())
  const everything = { span: '1y', zone: BERLIN, by: 'instrument' } as const

  it('has a week whose hours sum to what the range earned, listed and used', () => {
    const { hours } = year.earnings.week(everything)
    const { summary } = year.earnings.series(everything)
    const sum = (pick: (hour: (typeof hours)[number]) => number): number =>
      hours.reduce((total, hour) => total + pick(hour), 0)
    expect(sum((hour) => hour.earnedNano)).toBe(summary.grossNano - summary.feeNano - summary.writtenOffNano)
    expect(sum((hour) => hour.costNano ?? 0)).toBe(summary.powerNano)
    expect(sum((hour) => hour.listedMs)).toBe(summary.listedMs)
    expect(sum((hour) => hour.busyMs)).toBe(summary.busyMs)
  })

  it('has the hours of the zone’s clock in summer and winter', () => {
    const oneDay = (date: string) =>
      year.earnings.week({ firstDay: date, lastDay: date, zone: BERLIN, by: 'instrument' })
    for (const [date, weekday, first] of [
      // Listed from 05:00 UTC: 06:00 in winter, 07:00 in summer.
      ['2026-11-17', 1, 6],
      ['2026-07-14', 1, 7],
    ] as const) {
      const { hours } = oneDay(date)
      const listed = hours.flatMap(({ listedMs }, hour) => (listedMs > 0 ? [hour] : []))
      expect(listed.every((hour) => Math.floor(hour / 24) === weekday)).toBe(true)
      expect(listed).toContain(weekday * 24 + first)
      expect(listed).not.toContain(weekday * 24 + first - 1)
    }
  })

  it('has a history whose days sum to the series by day', () => {
    const { days } = year.earnings.history(BERLIN)
    const last30 = year.earnings.series({ span: '30d', zone: BERLIN, by: 'instrument' })
    const byDay = last30.buckets.map(({ income }) => income.reduce((sum, row) => sum + row.grossNano - row.feeNano, 0))
    expect(days.slice(-30).map(({ earnedNano }) => earnedNano)).toEqual(byDay)
    expect(days.at(-1)!.date).toBe('2026-11-28')
  })

  it('releases by day what is held, all of it', () => {
    const { days, laterNano } = year.earnings.releases(BERLIN)
    const held = year.earnings.series(everything).summary.heldNano
    const shown = days.flatMap(({ sources }) => sources).reduce((sum, { heldNano }) => sum + heldNano, 0)
    expect(laterNano).toBe(0)
    expect(shown).toBe(held)
    expect(days.map(({ date }) => date)).toEqual(days.map(({ date }) => date).sort())
  })

  it('keeps the places of its sources, the first sold first, whatever is looked at', () => {
    const sourcesOf = (span: '7d' | '1y', by: 'instrument' | 'deployment') =>
      year.earnings.series({ span, zone: BERLIN, by }).sources
    expect(sourcesOf('7d', 'instrument')).toEqual(['text-standard', 'code-standard'])
    expect(sourcesOf('7d', 'deployment')).toEqual(['dep_text_old', 'dep_code', 'dep_text_new'])
    expect(sourcesOf('1y', 'deployment')).toEqual(sourcesOf('7d', 'deployment'))
  })

  it('shows some sources alone: their sums are those of their rows, electricity stays whole', () => {
    const all = year.earnings.series(everything)
    const code = year.earnings.series({ ...everything, only: ['code-standard'] })
    const rows = all.buckets.flatMap(({ income }) => income).filter(({ source }) => source === 'code-standard')
    expect(code.summary.grossNano).toBe(rows.reduce((sum, row) => sum + row.grossNano, 0))
    expect(code.summary.powerNano).toBe(all.summary.powerNano)
    expect(code.sources).toEqual(all.sources)
  })

  it('tells what happened in a range and not what did not', () => {
    const month = year.earnings.marks({ span: '30d', zone: BERLIN, by: 'instrument' })
    expect(month.marks.map(({ code }) => code)).toEqual([
      'exchange.OFFLINE',
      'exchange.ONLINE',
      'listing.re-priced',
      'listing.re-priced',
    ])
    expect(month.marks[2]).toMatchObject({ kind: 'ask', beforeNano: 420_000_000, askNano: 170_000_000 })
    const from = YEAR_NOW - 301 * DAY_MS
    expect(
      year.earnings
        .marks({ from, to: from + 2 * DAY_MS, zone: BERLIN, by: 'instrument' })
        .marks.map(({ code }) => code),
    ).toEqual(['listing.listed'])
  })
})
