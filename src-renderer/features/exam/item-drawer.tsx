/**
 * One item: the question, the reply, the expected answer and the rule that judged it. Exam items are public; buyers'
 * prompts are never shown anywhere.
 */
import { Drawer } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { tokPerS } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { Pill } from '#ui/pill.tsx'
import { duration } from '#ui/format-time.ts'

import { useCore, useVenue } from '../../core-client.ts'
import type { ExamWithItems } from '../../core-client.ts'

export function ItemDrawer({
  exam,
  itemId,
  onClose,
}: {
  exam: ExamWithItems
  itemId: string | null
  onClose: () => void
}) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const query = useQuery(
    rpc.exams.item.queryOptions({
      input: { venueId, examId: exam.examId, itemId: itemId ?? 'none' },
      enabled: itemId !== null,
    }),
  )
  const view = exam.items.find((item) => item.itemId === itemId)
  return (
    <Drawer opened={itemId !== null} onClose={onClose} title={itemId ?? ''}>
      <Loaded query={query}>
        {(item) => (
          <>
            <p style={{ marginBottom: 12 }}>
              <Pill tone={item.right === true ? 'good' : 'bad'}>{item.right === true ? 'right' : 'wrong'}</Pill>{' '}
              <span className="sub">{item.reason}</span>
            </p>
            <h3>Question</h3>
            <div className="answer">{item.prompt ?? 'Not known here.'}</div>
            <h3>Reply</h3>
            <div className="answer">{item.reply === null || item.reply === '' ? 'No text arrived.' : item.reply}</div>
            <h3>Expected</h3>
            <div className="answer">
              {item.answer ?? 'Known once the exchange reveals the seed, after the last reply.'}
            </div>
            {view !== undefined && (
              <dl className="facts">
                <dt>First token</dt>
                <dd>{view.ttftMs === null ? 'none' : duration(view.ttftMs)}</dd>
                <dt>Tokens</dt>
                <dd>{view.tokens ?? 'none'}</dd>
                {view.tokPerS !== null && <dt>Speed</dt>}
                {view.tokPerS !== null && <dd>{tokPerS(view.tokPerS)}</dd>}
              </dl>
            )}
          </>
        )}
      </Loaded>
    </Drawer>
  )
}
