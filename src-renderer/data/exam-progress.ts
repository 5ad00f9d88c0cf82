/** One exam with its items: streamed while it runs, read once when it has ended. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import type { Exam, ExamItemView } from '#contract/exams.ts'
import type { ExamId } from '#contract/ids.ts'

import { useCore } from './core.tsx'

export type ExamWithItems = Exam & { items: ExamItemView[] }
const AGAIN_MS = 800

export function useExam(examId: string | null): { exam: ExamWithItems | null; error: unknown } {
  const { client, rpc, queries } = useCore()
  const [streamed, setStreamed] = useState<ExamWithItems | null>(null)
  const query = useQuery(rpc.exams.get.queryOptions({ input: { examId: (examId ?? 'none') as ExamId }, enabled: examId !== null }))
  const running = query.data?.state === 'running'
  useEffect(() => {
    if (examId === null || !running) return
    const controller = new AbortController()
    const { signal } = controller
    void (async () => {
      while (!signal.aborted) {
        try {
          for await (const exam of await client.exams.progress({ examId }, { signal })) setStreamed(exam)
          break
        } catch {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
        }
      }
      if (!signal.aborted) await queries.invalidateQueries({ queryKey: [['exams']] })
    })()
    return () => controller.abort()
  }, [examId, running, client, queries])
  const exam = streamed !== null && streamed.examId === examId && running ? streamed : (query.data ?? null)
  return { exam, error: query.error }
}
