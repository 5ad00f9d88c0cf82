/** The table behind the income chart: every figure of every bar, newest first. */
import type { Unit } from '#contract/units.ts'

import { type ChartRow, cumulative, type IncomeSource } from './chart-data.ts'
import { amount, count, POWER, unitWord } from './format.ts'
import { type Column, Table } from './table.tsx'
import { t } from './say.ts'

export interface IncomeTableProps {
  rows: readonly ChartRow[]
  sources: readonly IncomeSource[]
  unit: Unit
  powerCurrency: string
  caption: string
}

export function IncomeTable({ rows, sources, unit, powerCurrency, caption }: IncomeTableProps) {
  const word = unitWord(unit)
  const sums = new Map(cumulative(rows).map((point) => [point.at, point]))
  const columns: Column<ChartRow>[] = [
    { head: t('income.from'), cell: (row) => row.label },
    ...sources.flatMap(({ source, name }): Column<ChartRow>[] => [
      {
        head: t('income.availableIn', { name, unit: word }),
        right: true,
        cell: (row) => amount(row.available[source] ?? 0, unit),
      },
      {
        head: t('income.heldIn', { name, unit: word }),
        right: true,
        cell: (row) => amount(row.held[source] ?? 0, unit),
      },
    ]),
    { head: t('income.availableSum'), right: true, cell: (row) => amount(sums.get(row.at)?.available ?? 0, unit) },
    { head: t('income.heldSum'), right: true, cell: (row) => amount(sums.get(row.at)?.held ?? 0, unit) },
    { head: t('income.jobsHead'), right: true, cell: (row) => count(row.jobs) },
    { head: t('income.tokensHead'), right: true, cell: (row) => count(row.tokens) },
    {
      head: t('income.electricityIn', { unit: powerCurrency }),
      right: true,
      cell: (row) =>
        row.off ? t('income.rigOff') : row.power === null ? t('income.unknown') : amount(row.power, POWER),
    },
    { head: t('income.electricitySum'), right: true, cell: (row) => amount(sums.get(row.at)?.power ?? 0, POWER) },
  ]
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={rows.filter((row) => row.begun).toReversed()}
      rowKey={(row) => row.at.toString()}
    />
  )
}

/** The same table folded away under a small chart. */
export const FoldedIncomeTable = (props: IncomeTableProps) => (
  <details className="foot">
    <summary>{t('income.asTable')}</summary>
    <IncomeTable {...props} />
  </details>
)
