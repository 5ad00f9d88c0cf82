/**
 * Running sums: released as a solid line, held as a dashed one of its own, electricity below in its own unit. They are
 * never added into one figure.
 */
import type { Unit } from '#contract/units.ts'

import { useId } from 'react'
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { axesOf, BELOW_HEIGHT, ElectricityBelow, powerLine, TipLines, X_AXIS, yAxis } from './chart-parts.tsx'
import { amount, unitWord } from './format.ts'

export interface CumulativePoint {
  at: number
  label: string
  available: number
  held: number
  power: number
}

export interface CumulativeChartProps {
  points: readonly CumulativePoint[]
  unit: Unit
  powerCurrency: string
  label: string
  height?: number
}

export function CumulativeChart({ points, unit, powerCurrency, label, height = 300 }: CumulativeChartProps) {
  const id = useId().replaceAll(':', '')
  const axes = axesOf(
    Math.max(0, ...points.map((point) => Math.max(point.available, point.held))),
    points.at(-1)?.power ?? 0,
    unit,
  )
  const tip = (values: { payload?: readonly { payload?: unknown }[] }) => {
    const point = values.payload?.[0]?.payload as CumulativePoint | undefined
    if (point === undefined) return null
    return (
      <TipLines
        title={`up to and with ${point.label}, ${unitWord(unit)}`}
        lines={[
          ['available', amount(point.available, unit)],
          ['held', amount(point.held, unit)],
          powerLine(point.power, powerCurrency),
        ]}
      />
    )
  }
  const line = { type: 'linear', isAnimationActive: false, strokeWidth: 2, dot: false, stroke: 'var(--c1)' } as const
  return (
    <figure className="chart" style={{ height }} aria-label={label}>
      <ResponsiveContainer width="100%" height={height - BELOW_HEIGHT}>
        <LineChart data={points} margin={{ top: 8, right: 4, bottom: 0, left: 0 }} syncId={id}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis {...X_AXIS} tick={false} height={1} />
          <YAxis {...yAxis(axes)} />
          <Tooltip content={tip} cursor={{ stroke: 'var(--edge)' }} isAnimationActive={false} />
          <Line {...line} dataKey="available" name="available" />
          <Line {...line} dataKey="held" name="held" strokeDasharray="4 4" />
        </LineChart>
      </ResponsiveContainer>
      <ElectricityBelow rows={points} axes={axes} syncId={id} shape="line" />
    </figure>
  )
}

export const CumulativeLegend = () => (
  <ul className="legend">
    <li>
      <i style={{ background: 'var(--c1)' }} />
      available
    </li>
    <li>
      <i className="dash" />
      held, a line of its own
    </li>
    <li>
      <i style={{ background: 'var(--power)' }} />
      electricity
    </li>
  </ul>
)
