/** What stands behind one bucket of the chart, in words: shown beside the pointer, and said to who walks by keys. */
import { amount, percent, POWER, powerMoney, unitWord } from '#ui/format.ts'
import { duration } from '#ui/format-time.ts'

import type { PlotProps } from './plot-props.ts'
import { type PlotColumn } from './plot-data.ts'
import { markText, marksOf } from './mark-words.ts'

type Line = readonly [string, string]

function linesOf(column: PlotColumn, { sources, gpus, byGpu, unit, powerCurrency, withNet, marks }: PlotProps): Line[] {
  const parts = column.parts.flatMap(({ place, earned, held }): Line[] => {
    const name = sources.find((source) => source.place === place)?.name ?? 'others'
    return [[name, amount(earned, unit)], ...(held === 0 ? [] : [[`of it held`, amount(held, unit)] as const])]
  })
  const power: Line = [
    'electricity, idle included',
    column.power === null ? 'unknown' : powerMoney(column.power, powerCurrency),
  ]
  const ofGpus = byGpu
    ? gpus.map((gpu, index): Line => [`of it ${gpu.slice(0, 12)}`, amount(column.gpus[index] ?? 0, POWER)])
    : []
  const net: Line[] = withNet && column.power !== null ? [['net', amount(column.earned - column.power, unit)]] : []
  const off: Line[] = column.off < 0.05 ? [] : [['rig off or not measured', percent(column.off)]]
  const events = marksOf(marks, column).map((mark): Line => ['·', markText(mark, unit)])
  return [
    ...parts,
    power,
    ...ofGpus,
    ...net,
    ['jobs', String(column.jobs)],
    ['listed', duration(column.listedMs)],
    ['a job running', duration(column.busyMs)],
    ...off,
    ...events,
  ]
}

export const tipText = (column: PlotColumn, props: PlotProps): string =>
  `${column.label}: ${linesOf(column, props)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`

const TIP_REM = 20

export function PlotTip({
  column,
  left,
  width,
  ...props
}: PlotProps & { column: PlotColumn; left: number; width: number }) {
  const isRight = left > width / 2
  return (
    <div
      className="chart-tip plot-tip num"
      aria-hidden="true"
      style={{ maxWidth: `min(${TIP_REM}rem, 90%)`, ...(isRight ? { right: width - left + 12 } : { left: left + 12 }) }}
    >
      <b>
        {column.label}, {unitWord(props.unit)}
      </b>
      {linesOf(column, props).map(([name, value], index) => (
        <div key={index}>
          <span>{name}</span>
          <span>{value}</span>
        </div>
      ))}
    </div>
  )
}
