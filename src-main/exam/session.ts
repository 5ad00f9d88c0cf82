import type { ExamSession, ExamSessionOptions } from './types.ts'

export type { CallResult, Carried, ExamCall, ExamPhase, ExamSession, ExamSessionOptions, ExamSessionState, RecordedItem, Verdict } from './types.ts'

/** One sitting as a pure state machine. Throws RangeError for a malformed seed or slots below 1. */
export function createExamSession(_options: ExamSessionOptions): ExamSession {
  throw new Error('coming in the next commit')
}
