/**
 * The speed of a remote endpoint, measured while it serves, with network and its own queue. Moving averages over finished
 * answers.
 */
import type { EngineSpeed } from '#core/engine/engine.port.ts'

const NEWEST = 0.25
/** Shorter answers and prompts say too little. */
const TOKENS_MIN = 8
const PROMPT_TOKENS_MIN = 32

export interface RemoteSpeed {
  /** `ms` from the first chunk to the last, for `tokens`, with `streams` answers at once. */
  answered(tokens: number, ms: number, streams: number): void
  /** `ms` from the request to the first chunk, for `tokens` prompt tokens that were not cached. */
  prompted(tokens: number, ms: number): void
  view(): EngineSpeed
}

export function createRemoteSpeed(slots: () => number): RemoteSpeed {
  const perStream: (number | null)[] = []
  let prompt: number | null = null
  const blend = (before: number | null, sample: number): number =>
    before === null ? sample : before + (sample - before) * NEWEST
  return {
    answered(tokens, ms, streams) {
      const at = Math.min(Math.max(1, streams), slots()) - 1
      if (tokens < TOKENS_MIN || ms <= 0) return
      while (perStream.length <= at) perStream.push(null)
      perStream[at] = blend(perStream[at] ?? null, ((tokens - 1) * 1_000) / ms)
    },
    prompted(tokens, ms) {
      if (tokens >= PROMPT_TOKENS_MIN && ms > 0) prompt = blend(prompt, (tokens * 1_000) / ms)
    },
    view: () => ({ promptTokensPerSecond: prompt, perStream: perStream.slice(0, slots()) }),
  }
}
