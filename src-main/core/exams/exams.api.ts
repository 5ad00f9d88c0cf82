/** Handlers of contract/exams.ts. */
import { fail } from '#contract/errors.ts'
import type { Exam, ExamItemView } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { Os } from '#core/os.ts'
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

/** What the contract asks of the exams of one venue. */
export function examsCalls(context: VenueContext, runner: ExamRunner, specs: () => readonly GradeSpec[]) {
  const { realmDb, clock, venueId } = context
  const found = (examId: string): SellerExamRow => {
    const row = runner.find(examId)
    if (row === null) throw fail('exam.unknown')
    return row
  }
  const view = (row: SellerExamRow): Exam => ({ ...examView(row), venueId })
  const whole = (row: SellerExamRow): WholeExam => ({ ...view(row), items: itemViews(realmDb.read, row.examId) })

  return {
    grades() {
      const rows = runner.ownRows()
      return specs().map((spec) => ({ venueId, spec, qualification: qualificationFor(spec, rows, clock.now()) }))
    },
    list: () => runner.rows().map(view),
    get: (examId: string) => whole(found(examId)),
    item(examId: string, itemId: string) {
      const row = found(examId)
      const item = examItem(realmDb.read, examId, itemId)
      if (item === null) throw fail('exam.itemUnknown')
      const made = generated(row, itemId)
      return {
        itemId: item.itemId,
        prompt: item.prompt ?? made?.prompt ?? null,
        answer: made?.answer ?? null,
        reply: shownReply(item),
        right: item.right,
        reason: item.reason,
      }
    },
    progress(examId: string, signal: AbortSignal | undefined) {
      found(examId)
      return progress(clock, signal, {
        changed: () => runner.changed(examId, signal),
        now: () => whole(found(examId)),
      })
    },
    start: async (instrument: string, deploymentId: string) => view(await runner.start(instrument, deploymentId)),
    cancel: async (examId: string) => view(await runner.cancel(examId)),
    transcript(examId: string) {
      found(examId)
      const transcript = transcriptOf(realmDb.read, examId)
      if (transcript === null) throw fail('exam.noTranscript')
      return transcript
    },
  }
}

export const examsApi = (os: Os, of: ByVenue<ReturnType<typeof examsCalls>>) => ({
  grades: os.exams.grades.handler(({ input }) => of(input.venueId).grades()),
  list: os.exams.list.handler(({ input }) => of(input.venueId).list()),
  get: os.exams.get.handler(({ input }) => of(input.venueId).get(input.examId)),
  item: os.exams.item.handler(({ input }) => of(input.venueId).item(input.examId, input.itemId)),
  progress: os.exams.progress.handler(({ input, signal }) => of(input.venueId).progress(input.examId, signal)),
  start: os.exams.start.handler(({ input }) => of(input.venueId).start(input.instrument, input.deploymentId)),
  cancel: os.exams.cancel.handler(({ input }) => of(input.venueId).cancel(input.examId)),
  transcript: os.exams.transcript.handler(({ input }) => of(input.venueId).transcript(input.examId)),
})
