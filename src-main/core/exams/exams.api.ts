/** Handlers of contract/exams.ts. */
import { fail } from '#contract/errors.ts'
import type { Exam, ExamItemView } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import { seenReply } from '#exam/seen-reply.ts'

import { examView, generated, qualificationFor } from './exam-view.ts'
import { examItem, itemViews, transcriptOf, type SellerExamRow, type SellerExamItemRow } from './exams.store.ts'
import type { ExamRunner } from './exam-runner.ts'

/** The least time between two updates of one exam. */
const PROGRESS_EVERY_MS = 100

/**
 * What was judged: the part of our reply that the exchange saw. Before its verdict, or where the two do not fit, what
 * we sent.
 */
const shownReply = ({ reply, replySha256, tokens }: SellerExamItemRow): string | null =>
  reply === null || replySha256 === null || tokens === null
    ? reply
    : (seenReply(reply, { replySha256, tokens }) ?? reply)

type WholeExam = Exam & { items: ExamItemView[] }

/** The exam now, and again after every change until it has ended or the caller left; at most ten times a second. */
async function* progress(
  clock: Clock,
  signal: AbortSignal | undefined,
  exam: { changed(): Promise<void>; now(): WholeExam },
): AsyncGenerator<WholeExam> {
  const gone = (): boolean => signal?.aborted === true
  for (;;) {
    const next = exam.changed()
    const whole = exam.now()
    yield whole
    if (whole.endedAt !== null || gone()) return
    await next
    await clock
      .sleep(PROGRESS_EVERY_MS, { unref: true, ...(signal === undefined ? {} : { signal }) })
      .catch(() => undefined)
    if (gone()) return
  }
}

export function examsApi(context: CoreContext, runner: ExamRunner, specs: () => readonly GradeSpec[]) {
  const { os, realmDb, clock } = context
  const found = (examId: string): SellerExamRow => {
    const row = runner.find(examId)
    if (row === null) throw fail('exam.unknown')
    return row
  }
  const whole = (row: SellerExamRow): WholeExam => ({ ...examView(row), items: itemViews(realmDb.read, row.examId) })

  return {
    grades: os.exams.grades.handler(() => {
      const rows = runner.rows()
      return specs().map((spec) => ({ spec, qualification: qualificationFor(spec, rows, clock.now()) }))
    }),
    list: os.exams.list.handler(() => runner.rows().map(examView)),
    get: os.exams.get.handler(({ input }) => whole(found(input.examId))),
    item: os.exams.item.handler(({ input }) => {
      const row = found(input.examId)
      const item = examItem(realmDb.read, input.examId, input.itemId)
      if (item === null) throw fail('exam.itemUnknown')
      const made = generated(row, input.itemId)
      return {
        itemId: item.itemId,
        prompt: item.prompt ?? made?.prompt ?? null,
        answer: made?.answer ?? null,
        reply: shownReply(item),
        right: item.right,
        reason: item.reason,
      }
    }),
    progress: os.exams.progress.handler(({ input, signal }) => {
      const { examId } = input
      found(examId)
      return progress(clock, signal, {
        changed: () => runner.changed(examId, signal),
        now: () => whole(found(examId)),
      })
    }),
    start: os.exams.start.handler(async ({ input }) =>
      examView(await runner.start(input.instrument, input.deploymentId)),
    ),
    cancel: os.exams.cancel.handler(async ({ input }) => examView(await runner.cancel(input.examId))),
    transcript: os.exams.transcript.handler(({ input }) => {
      found(input.examId)
      const transcript = transcriptOf(realmDb.read, input.examId)
      if (transcript === null) throw fail('exam.noTranscript')
      return transcript
    }),
  }
}
