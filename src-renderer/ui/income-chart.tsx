/**
 * Income above the axis, electricity hanging below it in its own unit. Released money is one solid bar and held money a
 * hatched one beside it: their heights are never added. Gaps are shaded.
 */
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

import { type ChartRow, colourOf, highestOf } from './chart-data.ts'
import { axesOf, BELOW_HEIGHT, ElectricityBelow, powerLine, TipLines, X_AXIS, yAxis } from './chart-parts.tsx'
import { amount, currencyWord, gradeName } from './format.ts'
import { t } from './say.ts'

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

function Tip({
  row,
  instruments,
  currency,
  powerCurrency,
}: {
  row: ChartRow | undefined
  instruments: readonly string[]
  currency: string
  powerCurrency: string
}) {
  if (row === undefined) return null
  const income = instruments.flatMap((name) => [
    [t('income.available', { grade: gradeName(name) }), amount(row.available[name] ?? 0)] as const,
    [t('income.held', { grade: gradeName(name) }), amount(row.held[name] ?? 0)] as const,
  ])
  return (
    <TipLines
      title={t('income.tip', { label: row.label, unit: currencyWord(currency) })}
      lines={[...income, powerLine(row.power, powerCurrency), [t('income.jobs'), row.jobs]]}
    />
  )
}

function Hatches({ id, instruments }: { id: string; instruments: readonly string[] }) {
  return (
    <defs>
      {instruments.map((name, index) => (
        <pattern
          key={name}
          id={`${id}-${index}`}
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="2.2" height="5" fill={colourOf(index)} />
        </pattern>
      ))}
    </defs>
  )
}

/** Each kind of money is a stack of its own, by grade. */
function incomeBars(id: string, instruments: readonly string[], anyHeld: boolean) {
  const shared = { isAnimationActive: false, maxBarSize: 44, radius: 1 } as const
  return instruments.flatMap((name, index) => [
    <Bar
      key={`${name}a`}
      {...shared}
      dataKey={(row: ChartRow) => row.available[name] ?? 0}
      name={t('income.available', { grade: gradeName(name) })}
      stackId="available"
      fill={colourOf(index)}
    />,
    ...(anyHeld
      ? [
          <Bar
            key={`${name}h`}
            {...shared}
            dataKey={(row: ChartRow) => row.held[name] ?? 0}
            name={t('income.held', { grade: gradeName(name) })}
            stackId="held"
            fill={`url(#${id}-${index})`}
            stroke={colourOf(index)}
            strokeWidth={1}
          />,
        ]
      : []),
  ])
}

export function IncomeChart({
  rows,
  instruments,
  currency,
  powerCurrency,
  label,
  nowLabel,
  height = 250,
}: IncomeChartProps) {
  const id = useId().replaceAll(':', '')
  const axes = axesOf(highestOf(rows), Math.max(0, ...rows.map((row) => row.power ?? 0)))
  // Without anything held the bars stand in the middle of their bucket.
  const anyHeld = rows.some((row) => Object.values(row.held).some((nano) => nano > 0))
  const tip = (values: { payload?: readonly { payload?: unknown }[] }) => (
    <Tip
      row={values.payload?.[0]?.payload as ChartRow | undefined}
      instruments={instruments}
      currency={currency}
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
          <Hatches id={id} instruments={instruments} />
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
          {incomeBars(id, instruments, anyHeld)}
        </BarChart>
      </ResponsiveContainer>
      <ElectricityBelow rows={rows} axes={axes} syncId={id} shape="bars" />
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
        {t('income.heldBeside')}
      </li>
      <li>
        <i style={{ background: 'var(--power)' }} />
        {t('income.electricity')}
      </li>
    </ul>
  )
}

/** The two units of the two axes, in words. */
export const axisUnits = (currency: string, powerCurrency: string): string =>
  t('income.axes', { unit: currencyWord(currency), power: powerCurrency })
