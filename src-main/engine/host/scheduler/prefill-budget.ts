/**
 * How many prompt tokens the next step may evaluate, over all its jobs. Short steps keep running streams smooth and
 * cancels prompt; long ones read prompts faster. No job gets more than STEP_PROMPT_TOKENS of a step that it shares.
 */
import { STEP_PROMPT_TOKENS } from '#engine/protocol.ts'
import type { Speed } from './speed-meter.ts'

/** A step that decodes beside a prompt takes about so long at most. */
const STEP_MS = 120
/**
 * Several prompts at once wait for their first tokens as the streams for their next ones: so long for each, up to so
 * much.
 */
const CROWDED_STEP_MS = 400
/**
 * Or so many decodes: of a slow model, smaller pieces are mostly passes over the weights, and its streams are used to
 * waiting.
 */
const DECODES = 10
/** A step that decodes nothing: what an arrival or a cancel may have to wait. */
const QUIET_STEP_MS = 500
const TOKENS_MIN = 16
/** The same with one prompt alone, which is read in long pieces: an arrival finds it there. */
const ALONE_STEP_MS = 250
/** Of the very first step: nobody knows yet how slow this model is. */
const TOKENS_FIRST = 32

export interface ChunkState {
  /** Streams that decode. */
  decoding: number
  /** Prompts being read. */
  reading: number
  speed: Speed
  batchTokens: number
  /** False for runs that must repeat themselves exactly: pieces then never depend on measured time. */
  adaptive: boolean
}

const within = (tokens: number, most: number): number =>
  Math.max(Math.min(TOKENS_MIN, most), Math.min(most, Math.floor(tokens)))

export function promptBudget({ decoding, reading, speed, batchTokens, adaptive }: ChunkState): number {
  if (!adaptive) return batchTokens
  if (decoding === 0)
    return within(speed.promptTokensIn(reading === 1 ? ALONE_STEP_MS : QUIET_STEP_MS) ?? TOKENS_FIRST, batchTokens)
  const most = Math.min(STEP_PROMPT_TOKENS * reading, batchTokens)
  const decodeMs = speed.decodeMs(decoding) ?? 0
  const stepMs = Math.max(Math.min(STEP_MS * reading, CROWDED_STEP_MS), Math.min(DECODES * decodeMs, QUIET_STEP_MS))
  return within(speed.promptTokensIn(stepMs - decodeMs) ?? STEP_PROMPT_TOKENS, most)
}
