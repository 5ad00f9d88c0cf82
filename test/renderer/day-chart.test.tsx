// @vitest-environment jsdom
/** The chart of the first screen: what it draws of an hour, and what the arrow keys say. */
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it } from 'vitest'

import { knownUnit } from '#contract/units.ts'
import type { ChartRow } from '#ui/chart-data.ts'
import { DayChart } from '#ui/day-chart.tsx'

afterEach(cleanup)

const row = (hour: number, available: number, held: number, more: Partial<ChartRow> = {}): ChartRow => ({
  at: hour,
  label: `0${hour}:00`,
  available: { a: available },
  held: { a: held },
  jobs: 1,
  tokens: 10,
  gross: available + held,
  fee: 0,
  power: 1_000_000,
  off: false,
  begun: true,
  ...more,
})

const show = (rows: readonly ChartRow[]) =>
  render(
    <DayChart
      rows={rows}
      sources={[{ source: 'a', name: 'text-nano', place: 0 }]}
      unit={knownUnit('PCR')!}
      powerCurrency="EUR"
      label="Income today"
      nowLabel="01:00"
    />,
  )
const heights = (kind: string): string[] =>
  [...document.querySelectorAll<HTMLElement>(kind)].map(({ style }) => style.height)

describe('a day of income', () => {
  it('draws released and held beside each other against one axis, and shades hours without the rig', () => {
    show([row(0, 2_000_000, 0), row(1, 1_000_000, 500_000), row(2, 0, 0, { off: true, power: null })])
    expect(heights('.stack i:not(.hatch)')).toEqual(['100%', '50%', '0%'])
    expect(heights('.stack i.hatch')).toEqual(['0%', '25%', '0%'])
    expect([...document.querySelectorAll('.hour')].map((hour) => hour.getAttribute('data-off'))).toEqual([
      'false',
      'false',
      'true',
    ])
    expect(document.querySelectorAll('.hour[data-now="true"]')).toHaveLength(1)
  })

  it('draws no empty place for held money where nothing is held', () => {
    show([row(0, 2_000_000, 0)])
    expect(document.querySelectorAll('.stack')).toHaveLength(1)
  })

  it('says each hour to the arrow keys, with what is available, held and used', () => {
    show([row(0, 2_000_000, 0), row(1, 1_000_000, 500_000), row(2, 0, 0, { power: null })])
    const chart = screen.getByRole('slider', { name: 'Income today' })
    const said = (key: string): string => {
      fireEvent.keyDown(chart, { key })
      return chart.getAttribute('aria-valuetext') ?? ''
    }
    expect(said('Home')).toMatch(/^00:00, .*available 0\.002000 .*held 0 /)
    expect(said('ArrowRight')).toMatch(/^01:00, .*available 0\.001000 .*held 0\.0005000 .*electricity/)
    expect(said('End')).toMatch(/^02:00, .*unknown$/)
    expect(said('ArrowRight')).toMatch(/^02:00/)
    expect(said('ArrowLeft')).toMatch(/^01:00/)
    expect(document.querySelector('.chart-tip')?.textContent).toContain('01:00')
    fireEvent.keyDown(chart, { key: 'Escape' })
    expect(document.querySelector('.chart-tip')).toBeNull()
  })
})
