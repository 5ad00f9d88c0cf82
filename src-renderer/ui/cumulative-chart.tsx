/** Running sums: released as a solid line, held as a dashed one of its own. They are never stacked into one figure. */
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { axisWidth } from './axis.ts'
import { tickLabel, ticks } from './chart-data.ts'
import { amount, currencyWord } from './format.ts'

export interface CumulativePoint {
  at: number
  label: string
  available: number
  held: number
}

function Tip({ point, unit }: { point: CumulativePoint | undefined; unit: string }) {
  if (point === undefined) return null
  return (
    <div className="chart-tip num">
      <b>
        up to {point.label}, {unit}
      </b>
      <div>
        <span>available</span>
        <span>{amount(point.available)}</span>
      </div>
      <div>
        <span>held</span>
        <span>{amount(point.held)}</span>
      </div>
    </div>
  )
}

export function CumulativeChart({ points, currency, label, height = 300 }: { points: readonly CumulativePoint[]; currency: string; label: string; height?: number }) {
  const steps = ticks(Math.max(0, ...points.map((point) => Math.max(point.available, point.held))))
  const unit = currencyWord(currency)
  const tip = (values: { payload?: readonly { payload?: unknown }[] }) => <Tip point={values.payload?.[0]?.payload as CumulativePoint | undefined} unit={unit} />
  const line = { type: 'stepAfter', isAnimationActive: false, strokeWidth: 2, dot: false } as const
  return (
    <figure className="chart" style={{ height }} aria-label={label}>
      <ResponsiveContainer width="100%" height={height}>
        <LineChart data={points} margin={{ top: 8, right: 4, bottom: 0, left: 0 }}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis dataKey="label" tickLine={false} axisLine={{ stroke: 'var(--line)' }} interval="preserveStartEnd" minTickGap={28} />
          <YAxis
            width={axisWidth(steps.map((value) => tickLabel(value, steps[1] ?? 1)))}
            ticks={steps}
            domain={[0, steps.at(-1) ?? 1]}
            tickFormatter={(value: number) => tickLabel(value, steps[1] ?? 1)}
            tickLine={false}
            axisLine={false}
          />
          <Tooltip content={tip} cursor={{ stroke: 'var(--edge)' }} isAnimationActive={false} />
          <Line {...line} dataKey="available" name="available" stroke="var(--c1)" />
          <Line {...line} dataKey="held" name="held" stroke="var(--c1)" strokeDasharray="4 4" />
        </LineChart>
      </ResponsiveContainer>
    </figure>
  )
}

export const CumulativeLegend = ({ currency }: { currency: string }) => (
  <ul className="legend">
    <li>
      <i style={{ background: 'var(--c1)' }} />
      available ({currencyWord(currency)})
    </li>
    <li>
      <i className="hatch" />
      held, a line of its own
    </li>
  </ul>
)
