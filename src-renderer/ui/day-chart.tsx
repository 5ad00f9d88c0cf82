/**
 * The income of one day without a chart library, because the first screen must be light: released and held bars beside
 * each other, never added, electricity below in its own unit, hours without the rig shaded. Arrow keys walk through the
 * hours and say them.
 */
import type { Unit } from '#contract/units.ts'

import { type KeyboardEvent, type ReactNode, useState } from 'react'

import { type ChartRow, colourOf, highestOf, type IncomeSource, tickLabel } from './chart-data.ts'
import { axesOf } from './chart-scale.tsx'
import { amount, POWER, powerMoney, unitWord } from './format.ts'
import { IncomeTip } from './income-legend.tsx'
import { t } from './say.ts'

interface DayChartProps {
  rows: readonly ChartRow[]
  sources: readonly IncomeSource[]
  unit: Unit
  powerCurrency: string
  /** Read out instead of the picture. */
  label: string
  /** Label of the hour that runs. */
  nowLabel?: string
}

/** So many hours have their time written below. */
const LABELS_MAX = 8

const share = (value: number, whole: number): string => `${whole <= 0 ? 0 : Math.min(100, (100 * value) / whole)}%`

/** One kind of money of one hour, its grades on each other. */
function Stack({ of, top, sources, held }: { of: Record<string, number>; top: number } & StackLook) {
  return (
    <span className="stack">
      {sources.map(({ source, place }) => (
        <i
          key={source}
          className={held ? 'hatch' : ''}
          style={{
            height: share(of[source] ?? 0, top),
            ...(held ? { ['--hatch' as string]: colourOf(place) } : { background: colourOf(place) }),
          }}
        />
      ))}
    </span>
  )
}
interface StackLook {
  sources: readonly IncomeSource[]
  held: boolean
}

/** What a screen reader hears of an hour. */
const spoken = (row: ChartRow, sources: readonly IncomeSource[], unit: Unit, powerCurrency: string): string =>
  [
    row.label,
    ...sources.flatMap(({ source, name }) => [
      `${t('income.available', { name })} ${amount(row.available[source] ?? 0, unit)} ${unitWord(unit)}`,
      `${t('income.held', { name })} ${amount(row.held[source] ?? 0, unit)} ${unitWord(unit)}`,
    ]),
    `${t('income.electricity')} ${row.power === null ? t('income.unknown') : powerMoney(row.power, powerCurrency)}`,
  ].join(', ')

const STEPS: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowLeft: (at) => at - 1,
  ArrowDown: (at) => at - 1,
  ArrowRight: (at) => at + 1,
  ArrowUp: (at) => at + 1,
  Home: () => 0,
  End: (_at, last) => last,
}

interface PlotProps extends DayChartProps {
  children: ReactNode
  at: number | null
  onAt: (at: number | null) => void
}

/** The part that is pointed at and walked through. */
function Plot({ rows, sources, unit, powerCurrency, label, at, onAt, children }: PlotProps) {
  const last = rows.length - 1
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') return onAt(null)
    const step = STEPS[event.key]
    if (step === undefined) return
    event.preventDefault()
    onAt(at === null ? (event.key === 'Home' ? 0 : last) : Math.max(0, Math.min(last, step(at, last))))
  }
  const shown = rows[at ?? last]
  return (
    <div
      className="plot"
      // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- an input holds no bars
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={1}
      aria-valuemax={rows.length}
      aria-valuenow={(at ?? last) + 1}
      aria-valuetext={shown === undefined ? '' : spoken(shown, sources, unit, powerCurrency)}
      onKeyDown={onKeyDown}
      onBlur={() => onAt(null)}
      onMouseLeave={() => onAt(null)}
    >
      {children}
    </div>
  )
}

export function DayChart(props: DayChartProps) {
  const { rows, sources, unit, powerCurrency, nowLabel } = props
  const [at, setAt] = useState<number | null>(null)
  const axes = axesOf(highestOf(rows), Math.max(0, ...rows.map((row) => row.power ?? 0)), unit)
  const top = axes.top.at(-1) ?? 0
  const every = Math.ceil(rows.length / LABELS_MAX)
  const anyHeld = rows.some((row) => Object.values(row.held).some((nano) => nano > 0))
  const shown = at === null ? undefined : rows[at]
  return (
    <figure className="day-chart" style={{ paddingInlineStart: axes.width }}>
      <Plot {...props} at={at} onAt={setAt}>
        <div className="lines" aria-hidden="true">
          {axes.top.map((tick) => (
            <span key={tick} style={{ bottom: share(tick, top) }}>
              <b style={{ width: axes.width }}>{tickLabel(tick, axes.top[1] ?? 1, axes.unit)}</b>
            </span>
          ))}
          {axes.below > 0 && <b style={{ width: axes.width }}>{tickLabel(axes.below, axes.below, POWER)}</b>}
        </div>
        {rows.map((row, index) => (
          <div
            key={row.at}
            className="hour"
            data-off={row.off}
            data-now={row.label === nowLabel}
            data-shown={index === at}
            onMouseEnter={() => setAt(index)}
          >
            <div className="above">
              <Stack of={row.available} top={top} sources={sources} held={false} />
              {anyHeld && <Stack of={row.held} top={top} sources={sources} held />}
            </div>
            <div className="below">
              <i style={{ height: share(row.power ?? 0, axes.below) }} />
            </div>
            <small className={index % (2 * every) === 0 ? '' : 'between'}>{index % every === 0 ? row.label : ''}</small>
          </div>
        ))}
        {shown !== undefined && at !== null && (
          <div className="tip" data-end={at * 2 > rows.length} style={{ insetInlineStart: share(at, rows.length) }}>
            <IncomeTip row={shown} sources={sources} unit={unit} powerCurrency={powerCurrency} />
          </div>
        )}
      </Plot>
    </figure>
  )
}
