/** The table behind the income chart: every figure of every bar, newest first. */
import type { Unit } from '#contract/units.ts'

import { type ChartRow, cumulative, type IncomeSource } from './chart-data.ts'
import { amount, count, POWER } from './format.ts'
import { type Column, Table } from './table.tsx'

export interface IncomeTableProps {
  rows: readonly ChartRow[]
  sources: readonly IncomeSource[]
  unit: Unit
  powerCurrency: string
  caption: string
}

export function IncomeTable({ rows, sources, unit, powerCurrency, caption }: IncomeTableProps) {
  const { name: word } = unit
  const sums = new Map(cumulative(rows).map((point) => [point.at, point]))
  const columns: Column<ChartRow>[] = [
    { head: 'From', cell: (row) => row.label },
    ...sources.flatMap(({ source, name }): Column<ChartRow>[] => [
      { head: `${name} available, ${word}`, right: true, cell: (row) => amount(row.available[source] ?? 0, unit) },
      { head: `${name} held, ${word}`, right: true, cell: (row) => amount(row.held[source] ?? 0, unit) },
    ]),
    { head: 'Available, running sum', right: true, cell: (row) => amount(sums.get(row.at)?.available ?? 0, unit) },
    { head: 'Held, running sum', right: true, cell: (row) => amount(sums.get(row.at)?.held ?? 0, unit) },
    { head: 'Jobs', right: true, cell: (row) => count(row.jobs) },
    { head: 'Tokens', right: true, cell: (row) => count(row.tokens) },
    {
      head: `Electricity, ${powerCurrency}`,
      right: true,
      cell: (row) => (row.off ? 'rig off' : row.power === null ? 'unknown' : amount(row.power, POWER)),
    },
    { head: 'Electricity, running sum', right: true, cell: (row) => amount(sums.get(row.at)?.power ?? 0, POWER) },
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
    <summary>The same as a table</summary>
    <IncomeTable {...props} />
  </details>
)
