/** The words beside a chart of income: its colours, its units, and what stands in one bucket. */
import type { Unit } from '#contract/units.ts'

import { type ChartRow, colourOf, type IncomeSource } from './chart-data.ts'
import { powerLine, TipLines } from './chart-scale.tsx'
import { amount, unitWord } from './format.ts'
import { t } from './say.ts'

/** Everything of one bucket. */
export function IncomeTip({
  row,
  sources,
  unit,
  powerCurrency,
}: {
  row: ChartRow | undefined
  sources: readonly IncomeSource[]
  unit: Unit
  powerCurrency: string
}) {
  if (row === undefined) return null
  const income = sources.flatMap(({ source, name }) => [
    [t('income.available', { name }), amount(row.available[source] ?? 0, unit)] as const,
    [t('income.held', { name }), amount(row.held[source] ?? 0, unit)] as const,
  ])
  return (
    <TipLines
      title={t('income.tip', { label: row.label, unit: unitWord(unit) })}
      lines={[...income, powerLine(row.power, powerCurrency), [t('income.jobs'), row.jobs]]}
    />
  )
}

/** The words for the colours; the units stand in axisUnits. */
export function IncomeLegend({ sources }: { sources: readonly IncomeSource[] }) {
  return (
    <ul className="legend">
      {sources.map(({ source, name, place }) => (
        <li key={source}>
          <i style={{ background: colourOf(place) }} />
          {name}
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
export const axisUnits = (unit: Unit, powerCurrency: string): string =>
  t('income.axes', { unit: unitWord(unit), power: powerCurrency })
