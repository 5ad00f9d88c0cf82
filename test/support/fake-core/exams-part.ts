/** exams: two of them, which never change. */
import { because } from '#contract/reasons.ts'
import type { Exam } from '#contract/exams.ts'

import { VENUE } from '../venue.ts'
import { sleep } from './abortable-sleep.ts'
import { exam as examState } from './exam-state.ts'
import { DEPLOYMENT, EXAM_MICRO, EXAM_NANO, specs, type Scenario } from './state.ts'
import { os, type World } from './world.ts'

/** The same attempt a day before: its model had spilled into main memory. */
const voided = (exam: Exam): Exam => ({
  ...exam,
  examId: `${exam.examId}_0` as Exam['examId'],
  state: 'cancelled',
  startedAt: exam.startedAt - 86_400_000,
  validUntil: null,
  transcriptSha256: null,
  voidReason: because('exam.spilled', { mib: 1_940 }),
})

export function examsPart(world: World, scenario: Scenario) {
  const { full } = world
  const nano = () => examState(EXAM_NANO, Date.now(), world.nanoState)
  const micro = () => examState(EXAM_MICRO, Date.now(), world.microState)
  const find = (id: string) => (id === EXAM_MICRO ? micro() : nano())
  const bare = (id: string): Exam => {
    const { items: _items, ...exam } = find(id)
    return exam
  }
  return {
    grades: os.exams.grades.handler(() =>
      specs.map((spec, index) => {
        const exam = index === 0 ? nano() : micro()
        const state = exam.state === 'cancelled' ? ('none' as const) : exam.state
        return {
          venueId: VENUE,
          spec,
          qualification: full
            ? { state, examId: exam.examId, deploymentId: DEPLOYMENT, validUntil: exam.validUntil }
            : { state: 'none' as const, examId: null, deploymentId: null, validUntil: null },
        }
      }),
    ),
    list: os.exams.list.handler(() =>
      full ? [bare(EXAM_NANO), bare(EXAM_MICRO), ...(scenario === 'several' ? [voided(bare(EXAM_NANO))] : [])] : [],
    ),
    get: os.exams.get.handler(({ input }) => find(input.examId)),
    item: os.exams.item.handler(({ input }) => ({
      itemId: input.itemId,
      prompt: 'What is 16 + 7? Answer with the number only.',
      answer: '23',
      reply: '24',
      right: false,
      reason: 'integer: 24 is not 23',
    })),
    progress: os.exams.progress.handler(async function* ({ input, signal }) {
      yield find(input.examId)
      await sleep(3_600_000, signal)
    }),
    start: os.exams.start.handler(() => bare(EXAM_NANO)),
    cancel: os.exams.cancel.handler(({ input }) => ({ ...bare(input.examId), state: 'cancelled' as const })),
    transcript: os.exams.transcript.handler(() => ({ json: '{}', sha256: 'a'.repeat(64) })),
  }
}
