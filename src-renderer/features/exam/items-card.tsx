import { countItems } from '#ui/exam/items.ts'
import { ItemGrid, ItemLegend } from '#ui/exam/item-grid.tsx'
import { Card } from '#ui/page.tsx'

import type { ExamWithItems } from '../../core-client.ts'

export function ItemsCard({ exam, onOpen }: { exam: ExamWithItems; onOpen: (itemId: string) => void }) {
  const questions = exam.items.filter((item) => item.phase === 'items')
  const counts = countItems(exam.items)
  const left = exam.state === 'running' ? Math.max(questions.length, exam.atMost - counts.loadCalls) : questions.length
  return (
    <Card title="Items" aside={<ItemLegend {...counts} />}>
      <ItemGrid items={questions} onOpen={onOpen} atMost={left} />
      <p className="foot">
        Each mark is one item; open it for the question, the reply and the rule that judged it. Anyone can generate the
        same items from the seed.
        {counts.loadCalls > 0 && ` Besides, ${counts.loadCalls} calls measured first token and throughput.`}
      </p>
    </Card>
  )
}
