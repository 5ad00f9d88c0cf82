/** Shapes of one exam attempt. The exchange (witnessed) and the core (self) drive the same state machine with them. */
import type { ErrorCode } from '#contract/errors.ts'
import type { ExamLimitView } from '#contract/supplier.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { FinishReason, InferenceRequest } from '#contract/inference.ts'

/**
 * items: questions, one at a time. single: load calls one at a time. slots: load calls as many at a time as the
 * deployment has slots.
 */
export type ExamPhase = 'items' | 'single' | 'slots'

/** One call to send now. `callId` is the job frame's itemId: `arith/1/0`, `load-single/1/7` or `load-slots/1/7`. */
export interface ExamCall {
  callId: string
  phase: ExamPhase
  request: InferenceRequest
}

/**
 * What came back, by the clock of whoever sent the call (exchange or core). All times in milliseconds; a fake or
 * virtual clock is fine.
 */
export interface CallResult {
  callId: string
  /** The whole delivered text, deltas joined; '' when nothing arrived. */
  reply: string
  /** null when the call finished; else why not: the supplier's error code, or DEADLINE, CANCELLED, UNAVAILABLE … */
  error: ErrorCode | (string & {}) | null
  finish: FinishReason | null
  /** From sending the call to its first delta; null when there was none. */
  ttftMs: number | null
  /** From sending the call to its last delta, or to its end when there was none. */
  durationMs: number
  /** From the first delta to the last; 0 with fewer than two deltas. */
  streamMs: number
  /** UTF-8 bytes of the first delta (`utf8Length` of contract/bytes4.ts); 0 when there was none. */
  firstDeltaBytes: number
}

/**
 * A judged call: everything limits are computed from, and all that needs storing to resume (plus the reply, for the
 * transcript). Same fields as the `exam.item` frame.
 */
export interface RecordedItem {
  itemId: string
  phase: ExamPhase
  /** Items: the answer is right. Load calls: answered in full and without error. */
  right: boolean
  /** At most 80 characters; `right` when right, `error CODE` when the call failed. */
  reason: string
  ttftMs: number | null
  /** Reference tokens delivered. */
  tokens: number
  /** Reference tokens per second of a load call; null for items and for calls without a delta. */
  tokPerS: number | null
}

export type ExamVerdict = 'passed' | 'not-reached' | 'undecided'

/**
 * Right and asked so far of one limit, carried over from an earlier attempt with the same deployment. By limit name.
 */
export type Carried = Readonly<Record<string, { n: number; k: number }>>

export interface ExamSessionState {
  /** The phase of the next call, or of the last one when the verdict is in. */
  phase: ExamPhase
  /** Calls that count so far. */
  done: number
  /** No more calls than this will count; shrinks as limits are decided and equals `done` at the end. */
  atMost: number
  /** Every judged limit of the grade, in a fixed order, as at its decision or now. */
  limits: ExamLimitView[]
  /** Shown, not judged: provisional until 300 jobs. */
  errorRate: { calls: number; failed: number; ceiling: number; provisional: true }
  /** null while the attempt goes on. */
  verdict: ExamVerdict | null
}

export interface ExamSession {
  /** Calls to send now, each returned once; [] means: wait for results, or done when `state().verdict` is set. */
  next(): ExamCall[]
  /**
   * Judges one result. A second result of the same call returns the first judgement; a call that was never handed out
   * throws NOT_FOUND.
   */
  record(result: CallResult): RecordedItem
  state(): ExamSessionState
  /** The judged calls that count, in the order of the plan (not of arrival). */
  counted(): RecordedItem[]
}

export interface ExamSessionOptions {
  spec: GradeSpec
  /** SEED_PATTERN of generate-items.ts. */
  seed: string
  /** The deployment's slots; 1 skips the `slots` phase and its limit repeats the single one. */
  slots: number
  /**
   * Judged calls of an interrupted attempt with the same spec, seed and slots, in any order; they are not asked again.
   * Calls the plan does not contain are dropped.
   */
  resumeFrom?: readonly RecordedItem[]
  carried?: Carried
}
