/**
 * Fewer billed tokens than this come in one or two pieces: the time between them is the network's, not the engine's.
 */
const TOKENS_MIN = 8
/** In a shorter stretch the whole answer came at once. */
const STRETCH_MIN_MS = 10

export interface SpeedFigures {
  tokPerS: number | null
  outputTokens: number | null
  ttftMs: number | null
  durationMs?: number | null
}

/**
 * Tokens per second where there was enough to measure, else null: a short answer in one piece would read as thousands.
 */
export function speedOf({ tokPerS, outputTokens, ttftMs, durationMs }: SpeedFigures): number | null {
  if (tokPerS === null || outputTokens === null || outputTokens < TOKENS_MIN) return null
  if (durationMs != null && ttftMs !== null && durationMs - ttftMs < STRETCH_MIN_MS) return null
  return tokPerS
}
