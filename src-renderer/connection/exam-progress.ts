/** One exam with its items: streamed while it runs, read once when it has ended. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import type { Exam, ExamItemView } from '#contract/exams.ts'
import type { ExamId, VenueId } from '#contract/ids.ts'

import { type CoreAccess, useCore } from './core-provider.tsx'
import { useVenue } from './venue.tsx'

export type ExamWithItems = Exam & { items: ExamItemView[] }
const AGAIN_MS = 800

/** Reads the stream of a running exam to its end, again after a lost connection; then the lists are read anew. */
async function followExam(
  core: CoreAccess,
  { venueId, examId }: { venueId: VenueId; examId: ExamId },
  onExam: (exam: ExamWithItems) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let ended = false; !ended && !signal.aborted;) {
    try {
      for await (const exam of await core.client.exams.progress({ venueId, examId }, { signal })) onExam(exam)
      ended = true
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  if (!signal.aborted) await core.queries.invalidateQueries({ queryKey: [['exams']] })
}

export function useExam(examId: string | null): { exam: ExamWithItems | null; error: unknown } {
  const core = useCore()
  const { rpc } = core
  const { venueId } = useVenue()
  const [streamed, setStreamed] = useState<ExamWithItems | null>(null)
  const query = useQuery(
    rpc.exams.get.queryOptions({ input: { venueId, examId: (examId ?? 'none') as ExamId }, enabled: examId !== null }),
  )
  const running = query.data?.state === 'running'
  useEffect(() => {
    const cancelled = new AbortController()
    if (examId !== null && running)
      void followExam(core, { venueId, examId: examId as ExamId }, setStreamed, cancelled.signal)
    return () => cancelled.abort()
  }, [core, venueId, examId, running])
  const exam = streamed !== null && streamed.examId === examId && running ? streamed : (query.data ?? null)
  return { exam, error: query.error }
}
