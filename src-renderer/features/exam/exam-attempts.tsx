import type { Exam } from '#contract/exams.ts'
import { Card } from '#ui/page.tsx'
import { Verdict } from '#ui/pill.tsx'
import { say } from '#ui/say.ts'
import { type Column, Table } from '#ui/table.tsx'
import { moment } from '#ui/format-time.ts'

const COLUMNS: readonly Column<Exam>[] = [
  { head: 'Started', cell: (exam) => moment(exam.startedAt) },
  { head: 'Model', cell: (exam) => exam.modelName },
  { head: 'Attempt', right: true, cell: (exam) => exam.attempt },
  { head: 'Calls', right: true, cell: (exam) => exam.done },
  { head: 'Evidence', right: true, cell: (exam) => exam.evidence },
  { head: 'Verdict', right: true, cell: (exam) => <Verdict state={exam.state} /> },
]

/** Every attempt is listed, also those that failed. */
export function Attempts({ exams }: { exams: readonly Exam[] }) {
  if (exams.length === 0) return null
  return (
    <Card title="Attempts" aside={<span className="age">at most three in seven days</span>}>
      <Table caption="Attempts at this grade" columns={COLUMNS} rows={exams} rowKey={(exam) => exam.examId} />
      {exams.map(
        ({ examId, startedAt, voidReason }) =>
          voidReason !== null && (
            <p key={examId} className="device-note">
              {moment(startedAt)}: {say(voidReason)}
            </p>
          ),
      )}
    </Card>
  )
}
