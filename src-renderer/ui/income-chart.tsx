/**
 * Income above the axis, electricity hanging below it in its own unit. Released money is one solid bar and held money a
 * hatched one beside it: their heights are never added. Gaps are shaded.
 */
import type { Unit } from '#contract/units.ts'

import { useId } from 'react'
import {
  Bar,
  BarChart,
  CartesianGrid,
  ReferenceArea,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts'

import { type ChartRow, colourOf, highestOf, type IncomeSource } from './chart-data.ts'
import { axesOf, BELOW_HEIGHT, ElectricityBelow, X_AXIS, yAxis } from './chart-parts.tsx'
import { IncomeTip } from './income-legend.tsx'
import { t } from './say.ts'

export { IncomeLegend } from './income-legend.tsx'

export interface IncomeChartProps {
  rows: readonly ChartRow[]
  sources: readonly IncomeSource[]
  unit: Unit
  powerCurrency: string
  /** Read out instead of the picture: what is charted, over which time, and the sums. */
  label: string
  /** Marks the present where the range goes on beyond it. */
  nowLabel?: string
  height?: number
}

function Hatches({ id, sources }: { id: string; sources: readonly IncomeSource[] }) {
  return (
    <defs>
      {sources.map(({ source, place }) => (
        <pattern
          key={source}
          id={`${id}-${place}`}
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="2.2" height="5" fill={colourOf(place)} />
        </pattern>
      ))}
    </defs>
  )
}

/** Each kind of money is a stack of its own, by grade. */
function incomeBars(id: string, sources: readonly IncomeSource[], anyHeld: boolean) {
  const shared = { isAnimationActive: false, maxBarSize: 44, radius: 1 } as const
  return sources.flatMap(({ source, name, place }) => [
    <Bar
      key={`${source}a`}
      {...shared}
      dataKey={(row: ChartRow) => row.available[source] ?? 0}
      name={t('income.available', { name })}
      stackId="available"
      fill={colourOf(place)}
    />,
    ...(anyHeld
      ? [
          <Bar
            key={`${source}h`}
            {...shared}
            dataKey={(row: ChartRow) => row.held[source] ?? 0}
            name={t('income.held', { name })}
            stackId="held"
            fill={`url(#${id}-${place})`}
            stroke={colourOf(place)}
            strokeWidth={1}
          />,
        ]
      : []),
  ])
}

export function IncomeChart({ rows, sources, unit, powerCurrency, label, nowLabel, height = 250 }: IncomeChartProps) {
  const id = useId().replaceAll(':', '')
  const axes = axesOf(highestOf(rows), Math.max(0, ...rows.map((row) => row.power ?? 0)), unit)
  // Without anything held the bars stand in the middle of their bucket.
  const anyHeld = rows.some((row) => Object.values(row.held).some((nano) => nano > 0))
  const tip = (values: { payload?: readonly { payload?: unknown }[] }) => (
    <IncomeTip
      row={values.payload?.[0]?.payload as ChartRow | undefined}
      sources={sources}
      unit={unit}
      powerCurrency={powerCurrency}
    />
  )
  return (
    <figure className="chart" style={{ height }} aria-label={label}>
      <ResponsiveContainer width="100%" height={height - BELOW_HEIGHT}>
        <BarChart
          data={rows}
          margin={{ top: 8, right: 4, bottom: 0, left: 0 }}
          barCategoryGap="10%"
          barGap={1}
          syncId={id}
        >
          <Hatches id={id} sources={sources} />
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis {...X_AXIS} tick={false} height={1} />
          <YAxis {...yAxis(axes)} />
          {rows
            .filter((row) => row.off)
            .map((row) => (
              <ReferenceArea
                key={row.at}
                x1={row.label}
                x2={row.label}
                fill="var(--sunk)"
                fillOpacity={1}
                stroke="none"
              />
            ))}
          {nowLabel !== undefined && <ReferenceLine x={nowLabel} stroke="var(--ember)" strokeDasharray="3 3" />}
          <Tooltip content={tip} cursor={{ fill: 'var(--sunk)', fillOpacity: 0.7 }} isAnimationActive={false} />
          {incomeBars(id, sources, anyHeld)}
        </BarChart>
      </ResponsiveContainer>
      <ElectricityBelow rows={rows} axes={axes} syncId={id} shape="bars" />
    </figure>
  )
}
