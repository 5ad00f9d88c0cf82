/** What stands behind a verdict, and the transcript to take away. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import { saveText } from '#ui/save.ts'
import { sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { moment } from '#ui/format-time.ts'

import { useCore } from '../../core-client.ts'
import type { ExamWithItems } from '../../core-client.ts'

export function Evidence({ exam }: { exam: ExamWithItems }) {
  const { client } = useCore()
  const save = useMutation({
    mutationFn: () => client.exams.transcript({ venueId: exam.venueId, examId: exam.examId }),
    onSuccess: ({ json }) => saveText(`${exam.examId}.json`, 'application/json', json),
    onError: (error) => sayError('The transcript was not saved', error),
  })
  return (
    <div className="grid">
      <Card
        title="Evidence"
        aside={
          exam.transcriptSha256 !== null && (
            <Button size="xs" variant="default" loading={save.isPending} onClick={() => save.mutate()}>
              Save transcript
            </Button>
          )
        }
      >
        <dl className="facts">
          <dt>Class</dt>
          <dd>
            {exam.evidence === 'witnessed'
              ? 'witnessed: the exchange chose the seed, sent the items and signed each reply'
              : 'self: this app chose the seed'}
          </dd>
          <dt>Seed</dt>
          <dd className="mono">
            {exam.seed ?? (exam.commitment === null ? 'not set' : `not revealed yet, committed as ${exam.commitment}`)}
          </dd>
          <dt>Transcript</dt>
          <dd className="mono">{exam.transcriptSha256 ?? 'written at the end'}</dd>
          <dt>Started</dt>
          <dd>{moment(exam.startedAt)}</dd>
          {exam.validUntil !== null && <dt>Valid until</dt>}
          {exam.validUntil !== null && <dd>{moment(exam.validUntil)}</dd>}
        </dl>
        <p className="foot">
          Shown: these items follow from the seed and these replies were judged by the stated rules. Not shown: which
          model wrote the replies. Check it offline with <code>npm run -s stoker -- verify transcript</code>.
        </p>
      </Card>
    </div>
  )
}
