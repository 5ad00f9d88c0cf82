import type { ExamItemView } from '#contract/exams.ts'
import { byFamily, type FamilyRow } from '#ui/exam/items.ts'
import { interval } from '#ui/format.ts'
import { Empty } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

const COLUMNS: readonly Column<FamilyRow>[] = [
  { head: 'Family', cell: (row) => row.family },
  { head: 'Right', right: true, cell: (row) => `${row.right} / ${row.asked}` },
  { head: 'Interval', right: true, cell: (row) => interval(row.low, row.high) },
]

export function FamilyTable({ items }: { items: readonly ExamItemView[] }) {
  const rows = byFamily(items)
  return (
    <Card title="By family" aside={<span className="age">share right</span>}>
      {rows.length === 0 ? (
        <Empty title="No item is judged yet.">Families fill in as rounds are completed.</Empty>
      ) : (
        <Table caption="Right answers by family" columns={COLUMNS} rows={rows} rowKey={(row) => row.family} />
      )}
    </Card>
  )
}
