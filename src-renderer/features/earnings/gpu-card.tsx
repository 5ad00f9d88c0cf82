import type { Series } from '#contract/earnings.ts'
import { amount, energy, POWER, short } from '#ui/format.ts'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

const JOULES_PER_KWH = 3_600_000
const NAME_LETTERS = 16

interface GpuRow {
  gpu: string
  joules: number
  /** Null where none of it has a price in the owner's currency. */
  cost: number | null
}

/** Sums by GPU over all buckets. */
export function byGpu(series: Series): GpuRow[] {
  const rows = new Map<string, GpuRow>()
  for (const { gpu, joules, costNano } of series.buckets.flatMap(({ power }) => power.gpus)) {
    const row = rows.get(gpu) ?? { gpu, joules: 0, cost: null }
    const cost = costNano === null ? row.cost : (row.cost ?? 0) + costNano
    rows.set(gpu, { gpu, joules: row.joules + joules, cost })
  }
  return [...rows.values()].sort((a, b) => b.joules - a.joules)
}

const columnsOf = (powerCurrency: string): readonly Column<GpuRow>[] => [
  { head: 'GPU', cell: (row) => <span title={row.gpu}>{short(row.gpu, NAME_LETTERS)}</span> },
  { head: 'Energy', right: true, cell: (row) => energy(row.joules / JOULES_PER_KWH) },
  {
    head: `Cost, ${powerCurrency}`,
    right: true,
    cell: (row) => (row.cost === null ? 'no price set' : amount(row.cost, POWER)),
  },
]

/** What each GPU took of the electricity; nothing where no meter reads them one by one. */
export function GpuCard({ series }: { series: Series }) {
  const rows = byGpu(series)
  if (rows.length === 0) return null
  return (
    <Card title="Electricity by GPU" aside={<span className="age">part of the whole machine’s</span>}>
      <Table
        caption="Electricity by GPU"
        columns={columnsOf(series.powerCurrency)}
        rows={rows}
        rowKey={(row) => row.gpu}
      />
    </Card>
  )
}
