/** From what came back to a judged call. Source: docs/exam.md, Checking an answer, Load calls. */
import { bytes4, bytes4OfLength, utf8Length } from '#contract/bytes4.ts'
import type { GradeSpec } from '#contract/grades.ts'

import { placeId, type Place } from './exam-calls.ts'
import { checkAnswer, type Checked } from './check-answer.ts'
import { examItem } from './generate-items.ts'
import type { CallResult, RecordedItem } from './exam-types.ts'

/** Marks a call that failed, at the head of its reason. */
export const ERROR_MARK = 'error '
const REASON_MAX = 80

/**
 * Reference tokens per second: after the first delta over the time from first to last delta, or the whole reply over
 * the whole call where that is more (a reply that came in one or two bunches has no stream to time). Times below 1 ms
 * count as 1 ms. Null when nothing came.
 */
export function callRate(
  result: Pick<CallResult, 'reply' | 'durationMs' | 'streamMs' | 'firstDeltaBytes'>,
): number | null {
  const bytes = utf8Length(result.reply)
  if (bytes === 0) return null
  const perSecond = (tokens: number, ms: number): number => (tokens * 1_000) / Math.max(1, ms)
  const whole = perSecond(bytes4OfLength(bytes), result.durationMs)
  const streamed =
    result.streamMs > 0 ? perSecond(bytes4OfLength(Math.max(0, bytes - result.firstDeltaBytes)), result.streamMs) : 0
  return Math.max(whole, streamed)
}

/**
 * Reference tokens a load call must deliver to count as answered in full: half of the grade's output, since engine
 * tokens may be finer than reference tokens.
 */
const fullTokens = (spec: GradeSpec): number => Math.ceil(spec.limits.outputTokens / 2)

/** Right or wrong and why, from the reply alone: what a verifier repeats. */
export function judgeReply(spec: GradeSpec, seed: string, place: Place, reply: string, error: string | null): Checked {
  if (error !== null) return { right: false, reason: `${ERROR_MARK}${error}`.slice(0, REASON_MAX) }
  if (place.phase === 'items') return checkAnswer(examItem(seed, place.family, spec.level, place.index), reply)
  const full = bytes4(reply) >= fullTokens(spec)
  return { right: full, reason: full ? 'in full' : 'fewer than half of the tokens' }
}

/** Judges one call at a place of the plan. */
export function judgeCall(spec: GradeSpec, seed: string, place: Place, result: CallResult): RecordedItem {
  const { right, reason } = judgeReply(spec, seed, place, result.reply, result.error)
  const tokPerS = place.phase === 'items' ? null : callRate(result)
  const slow = right && tokPerS !== null && tokPerS < spec.limits.throughputFloorTokPerS
  return {
    itemId: placeId(spec.level, place),
    phase: place.phase,
    right,
    reason: slow ? 'in full, below the throughput floor' : reason,
    ttftMs: result.reply === '' ? null : result.ttftMs,
    tokens: bytes4(result.reply),
    tokPerS,
  }
}
