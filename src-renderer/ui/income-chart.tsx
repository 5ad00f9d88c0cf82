/** Income above the axis, electricity hanging below it in its own unit: released solid, held hatched, gaps shaded. */
import { useId } from 'react'
import { Bar, BarChart, CartesianGrid, ReferenceArea, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

import { axisWidth } from './axis.ts'
import { type ChartRow, colourOf, tickLabel, ticks } from './chart-data.ts'
import { amount, currencyWord, gradeName, powerMoney } from './format.ts'

export interface IncomeChartProps {
  rows: readonly ChartRow[]
  instruments: readonly string[]
  currency: string
  powerCurrency: string
  /** Read out instead of the picture: what is charted, over which time, and the sums. */
  label: string
  /** Marks the present where the range goes on beyond it. */
  nowLabel?: string
  height?: number
}

const sums = (values: Record<string, number>): number => Object.values(values).reduce((total, value) => total + value, 0)

function Tip({ row, instruments, currency, powerCurrency }: { row: ChartRow | undefined; instruments: readonly string[]; currency: string; powerCurrency: string }) {
  if (row === undefined) return null
  return (
    <div className="chart-tip num">
      <b>
        {row.label}, {currencyWord(currency)}
      </b>
      {instruments.map((name) => [
        <div key={`${name}a`}>
          <span>{gradeName(name)}, available</span>
          <span>{amount(row.available[name] ?? 0)}</span>
        </div>,
        <div key={`${name}h`}>
          <span>{gradeName(name)}, held</span>
          <span>{amount(row.held[name] ?? 0)}</span>
        </div>,
      ])}
      <div>
        <span>electricity</span>
        <span>{row.power === null ? 'unknown' : powerMoney(row.power, powerCurrency)}</span>
      </div>
      <div>
        <span>jobs</span>
        <span>{row.jobs}</span>
      </div>
    </div>
  )
}

function Hatches({ id, instruments }: { id: string; instruments: readonly string[] }) {
  return (
    <defs>
      {instruments.map((name, index) => (
        <pattern key={name} id={`${id}-${index}`} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="2.2" height="5" fill={colourOf(index)} />
        </pattern>
      ))}
    </defs>
  )
}

const xTicks = { dataKey: 'label', tickLine: false, axisLine: { stroke: 'var(--line)' }, interval: 'preserveStartEnd', minTickGap: 28 } as const

export function IncomeChart({ rows, instruments, currency, powerCurrency, label, nowLabel, height = 250 }: IncomeChartProps) {
  const id = useId().replaceAll(':', '')
  const top = ticks(Math.max(0, ...rows.map((row) => sums(row.available) + sums(row.held))))
  const below = ticks(Math.max(0, ...rows.map((row) => row.power ?? 0))).at(-1) ?? 0
  const step = top[1] ?? 1
  const axis = axisWidth([...top.map((value) => tickLabel(value, step)), tickLabel(below, below)])
  const tip = (values: { payload?: readonly { payload?: unknown }[] }) => (
    <Tip row={values.payload?.[0]?.payload as ChartRow | undefined} instruments={instruments} currency={currency} powerCurrency={powerCurrency} />
  )
  const shared = { data: rows as ChartRow[], margin: { top: 8, right: 4, bottom: 0, left: 0 }, barCategoryGap: '18%', syncId: id } as const
  return (
    <figure className="chart" style={{ height }} aria-label={label}>
      <ResponsiveContainer width="100%" height={height - 62}>
        <BarChart {...shared}>
          <Hatches id={id} instruments={instruments} />
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis {...xTicks} tick={false} height={1} />
          <YAxis width={axis} ticks={top} domain={[0, top.at(-1) ?? 1]} tickFormatter={(value: number) => tickLabel(value, step)} tickLine={false} axisLine={false} />
          {rows
            .filter((row) => row.off)
            .map((row) => (
              <ReferenceArea key={row.at} x1={row.label} x2={row.label} fill="var(--sunk)" fillOpacity={1} stroke="none" />
            ))}
          {nowLabel !== undefined && <ReferenceLine x={nowLabel} stroke="var(--ember)" strokeDasharray="3 3" />}
          <Tooltip content={tip} cursor={{ fill: 'var(--sunk)', fillOpacity: 0.7 }} isAnimationActive={false} />
          {instruments.flatMap((name, index) => [
            <Bar
              key={`${name}a`}
              dataKey={(row: ChartRow) => row.available[name] ?? 0}
              name={`${gradeName(name)}, available`}
              stackId="income"
              fill={colourOf(index)}
              isAnimationActive={false}
              maxBarSize={44}
              radius={1}
            />,
            <Bar
              key={`${name}h`}
              dataKey={(row: ChartRow) => row.held[name] ?? 0}
              name={`${gradeName(name)}, held`}
              stackId="income"
              fill={`url(#${id}-${index})`}
              stroke={colourOf(index)}
              strokeWidth={1}
              isAnimationActive={false}
              maxBarSize={44}
              radius={1}
            />,
          ])}
        </BarChart>
      </ResponsiveContainer>
      <ResponsiveContainer width="100%" height={62}>
        <BarChart {...shared} margin={{ top: 0, right: 4, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <XAxis {...xTicks} />
          <YAxis
            width={axis}
            reversed
            domain={[0, below === 0 ? 1 : below]}
            ticks={below === 0 ? [] : [below]}
            tickFormatter={(value: number) => tickLabel(value, value)}
            tickLine={false}
            axisLine={false}
          />
          <Bar dataKey={(row: ChartRow) => row.power ?? 0} name="electricity" fill="var(--power)" isAnimationActive={false} maxBarSize={44} radius={1} />
        </BarChart>
      </ResponsiveContainer>
    </figure>
  )
}

/** The words for the colours; the units stand in axisUnits. */
export function IncomeLegend({ instruments }: { instruments: readonly string[] }) {
  return (
    <ul className="legend">
      {instruments.map((name, index) => (
        <li key={name}>
          <i style={{ background: colourOf(index) }} />
          {gradeName(name)}
        </li>
      ))}
      <li>
        <i className="hatch" />
        held
      </li>
      <li>
        <i style={{ background: 'var(--power)' }} />
        electricity
      </li>
    </ul>
  )
}

/** The two units of the two axes, in words. */
export const axisUnits = (currency: string, powerCurrency: string): string => `${currencyWord(currency)} above the axis, ${powerCurrency} of electricity below`
