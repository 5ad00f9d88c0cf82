/** Stored exams as the contract and other domains see them. */
import type { Exam } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type DeploymentId, type ExamId, type Instrument, type ModelSha256 } from '#contract/ids.ts'
import type { QualificationFacts } from '#core/core-context.ts'
import { placeOf } from '#exam/exam-calls.ts'
import { examItem } from '#exam/generate-items.ts'

import type { SellerExamRow } from './exams.store.ts'

export function examView(row: SellerExamRow): Omit<Exam, 'venueId'> {
  return {
    examId: brandId<ExamId>(row.examId),
    instrument: brandId<Instrument>(row.instrument),
    specVersion: row.specVersion,
    spec: row.spec,
    deploymentId: brandId<DeploymentId>(row.deploymentId),
    sha256: brandId<ModelSha256>(row.sha256),
    modelName: row.modelName,
    state: row.state,
    evidence: row.evidence,
    phase: row.phase,
    done: row.done,
    atMost: row.atMost,
    limits: row.limits,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    validUntil: row.validUntil,
    attempt: row.attempt,
    seed: row.seed,
    commitment: row.commitment,
    transcriptSha256: row.transcriptSha256,
    voidReason: row.voidReason,
  }
}

/**
 * A pass, and the most jobs at once that an exam of this model measured for it: the exchange takes no offer of more.
 */
export type Qualification = QualificationFacts & { slots: number }

/** Current qualifications, the newest first; one per instrument and model. */
export function qualificationsOf(rows: readonly SellerExamRow[], now: number): Qualification[] {
  const found = new Map<string, Qualification>()
  const most = new Map<string, number>()
  for (const row of rows) {
    if (row.state !== 'passed' || row.validUntil === null || row.validUntil <= now) continue
    const name = `${row.instrument} ${row.sha256}`
    const version = `${name} ${row.specVersion}`
    most.set(version, Math.max(most.get(version) ?? 0, row.slots))
    if (found.has(name)) continue
    found.set(name, {
      instrument: brandId<Instrument>(row.instrument),
      deploymentId: brandId<DeploymentId>(row.deploymentId),
      sha256: brandId<ModelSha256>(row.sha256),
      examId: row.examId,
      specVersion: row.specVersion,
      validUntil: row.validUntil,
      slots: row.slots,
    })
  }
  return [...found].map(([name, pass]) => ({ ...pass, slots: most.get(`${name} ${pass.specVersion}`) ?? pass.slots }))
}

/** When the last pass of a model at a grade's version ends, or ended (epoch ms); null when it never passed. */
export function passedUntil(
  rows: readonly SellerExamRow[],
  { instrument, sha256, specVersion }: Pick<SellerExamRow, 'instrument' | 'sha256' | 'specVersion'>,
): number | null {
  const ends = rows.flatMap((row) =>
    row.state === 'passed' &&
    row.instrument === instrument &&
    row.sha256 === sha256 &&
    row.specVersion === specVersion &&
    row.validUntil !== null
      ? [row.validUntil]
      : [],
  )
  return ends.length === 0 ? null : Math.max(...ends)
}

/** How a grade stands at `now`: the exam under way, else its newest current pass, else its newest failed exam. */
export function qualificationFor(spec: GradeSpec, rows: readonly SellerExamRow[], now: number) {
  const mine = rows.filter((row) => row.instrument === spec.instrument && row.specVersion === spec.version)
  const row =
    mine.find(({ state }) => state === 'running' || state === 'interrupted') ??
    mine.find(({ state, validUntil }) => state === 'passed' && (validUntil ?? 0) > now) ??
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

/** Question and answer of an item, once the seed is known; null for load calls and before. */
export function generated(row: SellerExamRow, itemId: string): { prompt: string; answer: string } | null {
  const place = row.seed === null ? null : placeOf(row.spec.level, itemId)
  if (row.seed === null || place === null || place.phase !== 'items') return null
  const { prompt, answer } = examItem(row.seed, place.family, row.spec.level, place.index)
  return { prompt, answer }
}
