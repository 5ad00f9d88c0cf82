/** Exams, transcripts, qualifications. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'

import { ENGINE_CODES, EXCHANGE_CODES, MODEL_FILE_CODES } from './error-codes.ts'
import { gradeSpec } from './grades.ts'
import { deploymentId, digest, epochMs, examId, instrument, ofVenue, reason, sha256, venueId } from './primitives.ts'
import { method } from './scope.ts'
import { examLimitView, type ExamLimitView } from './supplier.ts'

export type LimitView = ExamLimitView
export const examItemView = z.object({
  itemId: z.string(),
  phase: z.enum(['items', 'single', 'slots']),
  right: z.boolean().nullable(),
  reason: z.string(),
  ttftMs: z.number().nullable(),
  tokPerS: z.number().nullable(),
  tokens: z.number().int().nullable(),
})
export type ExamItemView = z.infer<typeof examItemView>
export const exam = z.object({
  venueId,
  examId,
  instrument,
  specVersion: z.number().int(),
  spec: gradeSpec,
  deploymentId,
  sha256,
  modelName: z.string(),
  state: z.enum(['running', 'interrupted', 'cancelled', 'passed', 'not-reached', 'undecided']),
  evidence: z.enum(['self', 'witnessed']),
  phase: z.enum(['items', 'single', 'slots']),
  done: z.number().int(),
  atMost: z.number().int(),
  limits: z.array(examLimitView),
  startedAt: epochMs,
  endedAt: epochMs.nullable(),
  validUntil: epochMs.nullable(),
  attempt: z.number().int(),
  seed: z.string().nullable(),
  commitment: digest.nullable(),
  transcriptSha256: digest.nullable(),
  /** Why it does not stand, whatever the exchange said of it; null where nothing spoiled it. */
  voidReason: reason.nullable(),
})
export type Exam = z.infer<typeof exam>

export const examsContract = {
  grades: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(
      z.array(
        z.object({
          venueId,
          spec: gradeSpec,
          qualification: z.object({
            state: z.enum(['none', 'passed', 'not-reached', 'undecided', 'running', 'interrupted']),
            examId: examId.nullable(),
            deploymentId: deploymentId.nullable(),
            validUntil: epochMs.nullable(),
          }),
        }),
      ),
    ),
  list: method('read', ['NOT_FOUND']).input(ofVenue).output(z.array(exam)),
  get: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, examId }))
    .output(exam.extend({ items: z.array(examItemView) })),
  /**
   * Question, expected answer and reply of one finished item (the seed is known only after the exam; before that,
   * question and reply).
   */
  item: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, examId, itemId: z.string().max(64) }))
    .output(
      z.object({
        itemId: z.string(),
        prompt: z.string().nullable(),
        answer: z.string().nullable(),
        reply: z.string().nullable(),
        right: z.boolean().nullable(),
        reason: z.string(),
      }),
    ),
  /** Emits the whole exam at once and then on each item (batched to at most 10 a second); ends with the exam. */
  progress: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, examId }))
    .output(eventIterator(exam.extend({ items: z.array(examItemView) }))),
  /**
   * Starts, or resumes an interrupted one for the same grade and deployment. Errors: EXCHANGE_OFFLINE, EXAM_RUNNING,
   * EXAM_ATTEMPTS, ENGINE_*.
   */
  start: method('operate', [...EXCHANGE_CODES, 'MODEL_IN_USE', ...MODEL_FILE_CODES, ...ENGINE_CODES])
    .input(z.object({ venueId, instrument, deploymentId }))
    .output(exam),
  cancel: method('operate', ['NOT_FOUND']).input(z.object({ venueId, examId })).output(exam),
  /** The signed transcript as canonical JSON, for `stoker verify transcript`. */
  transcript: method('read', ['NOT_FOUND', 'CONFLICT'])
    .input(z.object({ venueId, examId }))
    .output(z.object({ json: z.string(), sha256: digest })),
}
