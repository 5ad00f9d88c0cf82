/**
 * What the charts of income share of recharts: the axes, and the strip of electricity that hangs below in its own unit.
 */
import { Bar, BarChart, Line, LineChart, ResponsiveContainer, XAxis, YAxis } from 'recharts'

import { tickLabel } from './chart-data.ts'
import type { Axes } from './chart-scale.tsx'
import { POWER } from './format.ts'

export { axesOf, powerLine, TipLines } from './chart-scale.tsx'

/** Height of the strip of electricity with the labels of the time axis, in pixels. */
export const BELOW_HEIGHT = 62
export const X_AXIS = {
  dataKey: 'label',
  tickLine: false,
  axisLine: { stroke: 'var(--line)' },
  interval: 'preserveStartEnd',
  minTickGap: 28,
} as const

export const yAxis = ({ top, width, unit }: Axes) =>
  ({
    width,
    ticks: top,
    domain: [0, top.at(-1) ?? 1],
    tickFormatter: (value: number) => tickLabel(value, top[1] ?? 1, unit),
    tickLine: false,
    axisLine: false,
  }) as const

interface BelowProps {
  rows: readonly { label: string; power: number | null }[]
  axes: Axes
  syncId: string
  shape: 'bars' | 'line'
}

/** Electricity below the axis: bars per bucket, or its running sum as a line. */
export function ElectricityBelow({ rows, axes: { below, width }, syncId, shape }: BelowProps) {
  const shared = {
    data: rows as { label: string; power: number | null }[],
    margin: { top: 0, right: 4, bottom: 0, left: 0 },
    syncId,
    accessibilityLayer: false,
  } as const
  const y = (
    <YAxis
      width={width}
      reversed
      domain={[0, below === 0 ? 1 : below]}
      ticks={below === 0 ? [] : [below]}
      tickFormatter={(value: number) => tickLabel(value, value, POWER)}
      tickLine={false}
      axisLine={false}
    />
  )
  const value = (row: { power: number | null }): number => row.power ?? 0
  return (
    <ResponsiveContainer width="100%" height={BELOW_HEIGHT}>
      {shape === 'bars' ? (
        <BarChart {...shared} barCategoryGap="10%">
          <XAxis {...X_AXIS} />
          {y}
          <Bar
            dataKey={value}
            name="electricity"
            fill="var(--power)"
            isAnimationActive={false}
            maxBarSize={44}
            radius={1}
          />
        </BarChart>
      ) : (
        <LineChart {...shared}>
          <XAxis {...X_AXIS} />
          {y}
          <Line
            dataKey={value}
            name="electricity"
            stroke="var(--power)"
            strokeWidth={2}
            dot={false}
            isAnimationActive={false}
          />
        </LineChart>
      )}
    </ResponsiveContainer>
  )
}
