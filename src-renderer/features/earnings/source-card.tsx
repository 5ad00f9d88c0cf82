import type { Series } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { count, rate, shortCount, unitWord } from '#ui/format.ts'
import { Empty } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { onePrecision } from './one-precision.ts'
import { bySource, type SourceRow } from './source-rows.ts'
import { KEY_WORDS } from './source-names.ts'

type Money = 'fee' | 'held' | 'available' | 'earned'

const columnsOf = (
  head: string,
  nameOf: (row: SourceRow) => string,
  unit: Unit,
  rows: readonly SourceRow[],
): readonly Column<SourceRow>[] => {
  const money = (name: string, field: Money): Column<SourceRow> => {
    const written = onePrecision(
      rows.map((row) => row[field]),
      unit,
    )
    return { head: name, right: true, cell: (row) => written(row[field]) }
  }
  return [
    { head, cell: nameOf },
    { head: 'Jobs', right: true, cell: (row) => count(row.jobs) },
    { head: 'Tokens', right: true, cell: (row) => shortCount(row.tokens) },
    {
      head: 'Per million',
      right: true,
      cell: (row) => (row.tokens === 0 ? 'none' : rate(Math.round((row.gross / row.tokens) * 1e6), unit)),
    },
    money('Fee', 'fee'),
    money('Held', 'held'),
    money('Available', 'available'),
    money('Earned', 'earned'),
  ]
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const ALL = 'all'

/** The rows and their sum, which is the figure at the top. */
function withSum(rows: readonly SourceRow[]): SourceRow[] {
  const sum = (pick: (row: SourceRow) => number): number => rows.reduce((total, row) => total + pick(row), 0)
  return [
    ...rows,
    {
      source: ALL,
      jobs: sum((row) => row.jobs),
      tokens: sum((row) => row.tokens),
      gross: sum((row) => row.gross),
      fee: sum((row) => row.fee),
      writtenOff: sum((row) => row.writtenOff),
      earned: sum((row) => row.earned),
      available: sum((row) => row.available),
      held: sum((row) => row.held),
    },
  ]
}

export function SourceCard({
  series,
  long,
  nameOf,
  unit,
}: {
  series: Series
  long: string
  nameOf: (source: string) => string
  unit: Unit
}) {
  const word = KEY_WORDS[series.by]
  const rows = bySource(series)
  return (
    <Card title="Where it came from" aside={<span className="age">{`${unitWord(unit)}, ${long}`}</span>}>
      {rows.length === 0 ? (
        <Empty title="No income in this span.">Each {word} sold gets its row here.</Empty>
      ) : (
        <Table
          caption={`Income by ${word}`}
          columns={columnsOf(capital(word), (row) => (row.source === ALL ? 'Sum' : nameOf(row.source)), unit, rows)}
          rows={withSum(rows)}
          rowKey={(row) => row.source}
          rowClass={(row) => (row.source === ALL ? 'sum' : undefined)}
        />
      )}
    </Card>
  )
}
