import { useQuery } from '@tanstack/react-query'

import type { Series } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { amount, count, gradeName, rate, shortCount } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { useCore, useUnit } from '../../core-client.ts'
import { SPAN_NAMES, type Span, type SpanRange } from './ranges.ts'

export interface SourceRow {
  instrument: string
  jobs: number
  tokens: number
  gross: number
  fee: number
  available: number
  held: number
}

/** Sums by grade over all buckets; the parts stay apart. */
export function bySource(series: Series): SourceRow[] {
  const rows = new Map<string, SourceRow>()
  for (const each of series.buckets.flatMap((bucket) => bucket.byInstrument)) {
    const row = rows.get(each.instrument) ?? {
      instrument: each.instrument,
      jobs: 0,
      tokens: 0,
      gross: 0,
      fee: 0,
      available: 0,
      held: 0,
    }
    rows.set(each.instrument, {
      instrument: each.instrument,
      jobs: row.jobs + each.jobs,
      tokens: row.tokens + each.inputTokens + each.outputTokens,
      gross: row.gross + each.grossNano,
      fee: row.fee + each.feeNano,
      available: row.available + each.availableNano,
      held: row.held + each.heldNano,
    })
  }
  return [...rows.values()].sort((a, b) => b.gross - a.gross)
}

const columns = (unit: Unit): readonly Column<SourceRow>[] => [
  { head: 'Grade', cell: (row) => gradeName(row.instrument) },
  { head: 'Jobs', right: true, cell: (row) => count(row.jobs) },
  { head: 'Tokens', right: true, cell: (row) => shortCount(row.tokens) },
  {
    head: 'Per million',
    right: true,
    cell: (row) => (row.tokens === 0 ? 'none' : rate(Math.round((row.gross / row.tokens) * 1e6), unit)),
  },
  { head: 'Fee', right: true, cell: (row) => amount(row.fee, unit) },
  { head: 'Held', right: true, cell: (row) => amount(row.held, unit) },
  { head: 'Available', right: true, cell: (row) => amount(row.available, unit) },
]

export function SourceCard({ range, span }: { range: SpanRange; span: Span }) {
  const { rpc } = useCore()
  const unit = useUnit()
  const series = useQuery(rpc.earnings.series.queryOptions({ input: range, placeholderData: (before) => before }))
  return (
    <Card
      title="Where it came from"
      aside={
        <span className="age">
          {series.data === undefined ? '' : `${unit.name}, `}
          {SPAN_NAMES[span].long}
        </span>
      }
    >
      <Loaded query={series}>
        {(data) => {
          const rows = bySource(data)
          return rows.length === 0 ? (
            <Empty title="No income in this span.">Each grade sold gets its row here.</Empty>
          ) : (
            <Table caption="Income by grade" columns={columns(unit)} rows={rows} rowKey={(row) => row.instrument} />
          )
        }}
      </Loaded>
    </Card>
  )
}
