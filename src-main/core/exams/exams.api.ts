/** Handlers of contract/exams.ts. */
import { StokerError } from '#contract/errors.ts'
import type { Exam, ExamItemView } from '#contract/exams.ts'
import { brandId, type DeploymentId, type ExamId } from '#contract/ids.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { CoreContext } from '#core/core-context.ts'
import { seenReply } from '#exam/seen-reply.ts'

import { examView, generated } from './exam-view.ts'
import { examItem, itemViews, transcriptOf, type SellerExamRow, type ItemRow } from './exams.store.ts'
import type { ExamRunner } from './exam-runner.ts'

/** Updates of one exam that go out in a second at most. */
const PROGRESS_EVERY_MS = 100

/**
 * What was judged: the part of our reply that the exchange saw. Before its verdict, or where the two do not fit, what
 * we sent.
 */
const shownReply = ({ reply, replySha256, tokens }: ItemRow): string | null =>
  reply === null || replySha256 === null || tokens === null
    ? reply
    : (seenReply(reply, { replySha256, tokens }) ?? reply)

export function examsApi(context: CoreContext, runner: ExamRunner, specs: () => readonly GradeSpec[]) {
  const { os, realmDb, clock } = context
  const found = (examId: string): SellerExamRow => {
    const row = runner.find(examId)
    if (row === null) throw new StokerError('NOT_FOUND', 'There is no exam of this name here.')
    return row
  }
  const whole = (row: SellerExamRow): Exam & { items: ExamItemView[] } => ({
    ...examView(row),
    items: itemViews(realmDb.read, row.examId),
  })

  async function* progress(
    examId: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Exam & { items: ExamItemView[] }> {
    const gone = (): boolean => signal?.aborted === true
    for (;;) {
      const next = runner.changed(examId, signal)
      const row = found(examId)
      yield whole(row)
      if (row.endedAt !== null || gone()) return
      await next
      await clock
        .sleep(PROGRESS_EVERY_MS, { unref: true, ...(signal === undefined ? {} : { signal }) })
        .catch(() => undefined)
      if (gone()) return
    }
  }

  /** The standing of a grade: its newest current pass, else its newest exam. */
  const qualification = (spec: GradeSpec, rows: readonly SellerExamRow[]) => {
    const mine = rows.filter((row) => row.instrument === spec.instrument && row.specVersion === spec.version)
    const passed = mine.find((row) => row.state === 'passed' && (row.validUntil ?? 0) > clock.now())
    const row =
      mine.find(({ state }) => state === 'running' || state === 'interrupted') ??
      passed ??
      mine.find(({ state }) => state === 'not-reached' || state === 'undecided')
    if (row === undefined || row.state === 'cancelled')
      return { state: 'none' as const, examId: null, deploymentId: null, validUntil: null }
    return {
      state: row.state,
      examId: brandId<ExamId>(row.examId),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      validUntil: row.validUntil,
    }
  }

  return {
    grades: os.exams.grades.handler(() => {
      const rows = runner.rows()
      return specs().map((spec) => ({ spec, qualification: qualification(spec, rows) }))
    }),
    list: os.exams.list.handler(() => runner.rows().map(examView)),
    get: os.exams.get.handler(({ input }) => whole(found(input.examId))),
    item: os.exams.item.handler(({ input }) => {
      const row = found(input.examId)
      const item = examItem(realmDb.read, input.examId, input.itemId)
      if (item === null) throw new StokerError('NOT_FOUND', 'This exam has no such item yet.')
      const made = generated(row, input.itemId)
      return {
        itemId: item.itemId,
        prompt: item.prompt ?? made?.prompt ?? null,
        answer: made?.answer ?? null,
        reply: shownReply(item),
        right: item.right === null ? null : item.right === 1,
        reason: item.reason,
      }
    }),
    progress: os.exams.progress.handler(({ input, signal }) => {
      found(input.examId)
      return progress(input.examId, signal)
    }),
    start: os.exams.start.handler(async ({ input }) =>
      examView(await runner.start(input.instrument, input.deploymentId)),
    ),
    cancel: os.exams.cancel.handler(async ({ input }) => examView(await runner.cancel(input.examId))),
    transcript: os.exams.transcript.handler(({ input }) => {
      found(input.examId)
      const transcript = transcriptOf(realmDb.read, input.examId)
      if (transcript === null)
        throw new StokerError('NOT_FOUND', 'This exam has no transcript: it is not finished, or was cancelled.')
      return transcript
    }),
  }
}
