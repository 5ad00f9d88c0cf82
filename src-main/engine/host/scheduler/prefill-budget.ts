/**
 * How many prompt tokens the next step may evaluate, over all its jobs. Short steps keep the running streams smooth and
 * take cancels up soon; long steps prefill faster. No job gets more than STEP_PROMPT_TOKENS of a step that it shares.
 */
import { STEP_PROMPT_TOKENS } from '#engine/protocol.ts'
import type { SpeedMeter } from './speed-meter.ts'

/** Longest step that decodes beside one prefill, about. */
const STEP_MS = 120
/** With several prefills the step may take STEP_MS for each of them, up to this: they wait for their first tokens. */
const CROWDED_STEP_MS = 400
/**
 * Or the time of this many decodes: on a slow model smaller chunks spend most of their time on reading the weights, and
 * its streams are slow anyway.
 */
const DECODES = 10
/** Longest step without a decode: what a new job or a cancel may have to wait. */
const QUIET_STEP_MS = 500
const TOKENS_MIN = 16
/** The same with a single prefill, whose chunks are long: a new job arrives in the middle of one. */
const ALONE_STEP_MS = 250
/** Of the very first step, when nothing was measured yet. */
const TOKENS_FIRST = 32

export interface PrefillState {
  /** Streams that decode. */
  decoding: number
  /** Jobs in prefill. */
  prefilling: number
  speed: SpeedMeter
  batchTokens: number
  /** False for reproducible runs: their chunks never depend on measured time. */
  adaptive: boolean
}

const within = (tokens: number, most: number): number =>
  Math.max(Math.min(TOKENS_MIN, most), Math.min(most, Math.floor(tokens)))

/** Prompt tokens, at least 1 and at most `batchTokens`. */
export function prefillBudget({ decoding, prefilling, speed, batchTokens, adaptive }: PrefillState): number {
  if (!adaptive) return batchTokens
  if (decoding === 0)
    return within(speed.promptTokensIn(prefilling === 1 ? ALONE_STEP_MS : QUIET_STEP_MS) ?? TOKENS_FIRST, batchTokens)
  const most = Math.min(STEP_PROMPT_TOKENS * prefilling, batchTokens)
  const decodeMs = speed.decodeMs(decoding) ?? 0
  const stepMs = Math.max(Math.min(STEP_MS * prefilling, CROWDED_STEP_MS), Math.min(DECODES * decodeMs, QUIET_STEP_MS))
  return within(speed.promptTokensIn(stepMs - decodeMs) ?? STEP_PROMPT_TOKENS, most)
}
