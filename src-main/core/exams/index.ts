/** Exams: how a deployment qualifies for a grade. */
import type { GradeSpec } from '#contract/grades.ts'
import { because } from '#contract/reasons.ts'
import type { EpochMs } from '#contract/time.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { VenueContext, DeploymentsService, ExamFacts } from '#core/core-context.ts'
import type { ExamSink } from '#core/jobs/index.ts'

import { passedUntil, qualificationsOf, type Qualification } from './exam-view.ts'
import { examsCalls } from './exams.api.ts'
import { ExamRunner } from './exam-runner.ts'

export { examsApi } from './exams.api.ts'

export interface Exams {
  calls: ReturnType<typeof examsCalls>
  sink: ExamSink
  qualifications(): Qualification[]
  /** When the last pass of a model ends, or ended (epoch ms); null when it never passed this version of the grade. */
  passedUntil(instrument: string, sha256: string, specVersion: number): number | null
  /** Called after each pass with its grade; the returned function ends that. */
  onPassed(listener: (instrument: string) => void): () => void
  /** The newest first, of every grade. */
  newest(): ExamFacts[]
  /** The deployment under exam now; null when none. */
  examining(): string | null
  /** Cancels what runs or waits, at once and whatever the exchange says: the owner wants the machine. */
  giveUp(): void
  /**
   * No result of a run from `since` on stands: its deployment had spilled so many bytes into main memory. What runs is
   * cancelled.
   */
  spoil(deploymentId: string, since: EpochMs, bytes: number): void
  start(): void
  stop(): void
}

export function createExams(
  context: VenueContext,
  deps: {
    deployments: DeploymentsService
    specs: () => readonly GradeSpec[]
    /** Says where nothing may be served, and why. */
    breaker?: Pick<BreakerPort, 'why'>
  },
): Exams {
  const runner = new ExamRunner(context, deps.deployments, (deploymentId) => {
    const sha256 = deps.deployments.find(deploymentId)?.sha256 ?? null
    return deps.breaker?.why({ deploymentId, sha256, venueId: context.venueId }) ?? null
  })
  let detach: () => void = () => undefined
  return {
    calls: examsCalls(context, runner, deps.specs),
    sink: runner.sink,
    qualifications: () => qualificationsOf(runner.ownRows(), context.clock.now()),
    passedUntil: (instrument, sha256, specVersion) =>
      passedUntil(runner.ownRows(), { instrument, sha256, specVersion }),
    onPassed: (listener) => runner.onPassed(listener),
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
    spoil: (deploymentId, since, bytes) =>
      runner.spoil(deploymentId, since, because('exam.spilled', { mib: Math.round(bytes / 1_048_576) })),
    start() {
      detach = runner.attach()
    },
    stop: () => detach(),
  }
}
