/** Exams: how a deployment qualifies for a grade. */
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import type { VenueContext, DeploymentsService, ExamFacts } from '#core/core-context.ts'
import type { ExamSink } from '#core/jobs/index.ts'

import { qualificationsOf, type Qualification } from './exam-view.ts'
import { examsCalls } from './exams.api.ts'
import { ExamRunner } from './exam-runner.ts'

export { examsApi } from './exams.api.ts'

export interface Exams {
  calls: ReturnType<typeof examsCalls>
  sink: ExamSink
  qualifications(): Qualification[]
  /** The newest first, of every grade. */
  newest(): ExamFacts[]
  /** The deployment under exam now; null when none. */
  examining(): string | null
  /** Cancels what runs or waits, at once and whatever the exchange says: the owner wants the machine. */
  giveUp(): void
  start(): void
  stop(): void
}

export function createExams(
  context: VenueContext,
  deps: { deployments: DeploymentsService; specs: () => readonly GradeSpec[] },
): Exams {
  const runner = new ExamRunner(context, deps.deployments)
  let detach: () => void = () => undefined
  return {
    calls: examsCalls(context, runner, deps.specs),
    sink: runner.sink,
    qualifications: () => qualificationsOf(runner.ownRows(), context.clock.now()),
    newest: () =>
      runner.rows().map(({ examId, instrument, state, limits, validUntil }) => ({
        examId,
        instrument: brandId<Instrument>(instrument),
        state,
        limits,
        validUntil,
      })),
    examining: () => runner.current()?.deploymentId ?? null,
    giveUp: () => runner.giveUp(),
    start() {
      detach = runner.attach()
    },
    stop: () => detach(),
  }
}
