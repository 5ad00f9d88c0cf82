import { useQuery } from '@tanstack/react-query'

import type { Series } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { amount, count, rate, shortCount, unitWord } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { SPAN_NAMES, type SpanRange } from './spans.ts'
import { KEY_WORDS, useSourceNames } from './source-names.ts'

export interface SourceRow {
  source: string
  jobs: number
  tokens: number
  gross: number
  fee: number
  available: number
  held: number
}

/** Sums by source over all buckets; the parts stay apart. */
export function bySource(series: Series): SourceRow[] {
  const rows = new Map<string, SourceRow>()
  for (const each of series.buckets.flatMap((bucket) => bucket.income)) {
    const row = rows.get(each.source) ?? {
      source: each.source,
      jobs: 0,
      tokens: 0,
      gross: 0,
      fee: 0,
      available: 0,
      held: 0,
    }
    rows.set(each.source, {
      source: each.source,
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

const columnsOf = (head: string, nameOf: (source: string) => string, unit: Unit): readonly Column<SourceRow>[] => [
  { head, cell: (row) => nameOf(row.source) },
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

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export function SourceCard({ range }: { range: SpanRange }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const nameOf = useSourceNames(range.by)
  const word = KEY_WORDS[range.by]
  const series = useQuery(
    rpc.earnings.series.queryOptions({ input: { venueId, ...range }, placeholderData: (before) => before }),
  )
  const unit = useUnit()
  return (
    <Card
      title="Where it came from"
      aside={
        <span className="age">
          {series.data === undefined ? '' : `${unitWord(unit)}, `}
          {SPAN_NAMES[range.span].long}
        </span>
      }
    >
      <Loaded query={series}>
        {(data) => {
          const rows = bySource(data)
          return rows.length === 0 ? (
            <Empty title="No income in this span.">Each {word} sold gets its row here.</Empty>
          ) : (
            <Table
              caption={`Income by ${word}`}
              columns={columnsOf(capital(word), nameOf, unit)}
              rows={rows}
              rowKey={(row) => row.source}
            />
          )
        }}
      </Loaded>
    </Card>
  )
}
