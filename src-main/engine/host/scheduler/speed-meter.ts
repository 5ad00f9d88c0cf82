/**
 * How fast this engine is, measured on its own steps: moving averages of the cost of a prompt token and of a decode of
 * n streams.
 */
import type { EngineSpeed } from '#core/engine/engine.port.ts'

import { createPrefillCost } from './prefill-cost.ts'

/** Weight of the newest decode. */
const DECODE_WEIGHT = 1 / 16
/**
 * After this many prompt tokens an old measurement counts half: PROMPT for the speed that is reported, RECENT for the
 * order of jobs.
 */
const PROMPT_HALF_LIFE = 2_048
const RECENT_HALF_LIFE = 256
/** A prompt token of a mixed step costs at least this share of the step's time, however the decodes were measured. */
const PROMPT_SHARE_MIN = 0.1
/** After this much decoding what was before counts half. Long enough for a few prompts to come and go. */
const CROWDING_HALF_LIFE_MS = 5_000
/** Undisturbed decoding that is assumed before the first prompt: one long prompt alone is no crowding. */
const CROWDING_PRIOR_MS = 2_000

export interface SpeedMeter {
  /** A step with `streams` decodes and no prompt token. */
  decoded(streams: number, ms: number): void
  /** A step with `streams` decodes, beside a prefill or not: the time in which each stream got its token. */
  waited(streams: number, ms: number): void
  /** Nothing runs any more: crowding starts over. */
  idle(): void
  /** A step that evaluated `tokens` prompt tokens beside `streams` decodes. */
  prefilled(tokens: number, streams: number, ms: number): void
  /** Over the last steps; null while nothing was measured. */
  msPerPromptToken(): number | null
  /** Prompt tokens that a step can evaluate in `ms`; null while nothing was measured. */
  promptTokensIn(ms: number): number | null
  /** Time of one decode of `streams` streams, by the nearest number that was measured; null while none was. */
  decodeMs(streams: number): number | null
  view(): EngineSpeed
}

/** Milliseconds per token; after `halfLife` tokens an old measurement counts half. */
function createAverage(halfLife: number): { add(tokens: number, ms: number): void; value(): number | null } {
  let [tokens, ms] = [0, 0]
  return {
    add(more, took) {
      const keep = 0.5 ** (more / halfLife)
      tokens = tokens * keep + more
      ms = ms * keep + took
    },
    value: () => (tokens > 0 && ms > 0 ? ms / tokens : null),
  }
}

export function createSpeedMeter(slots: number): SpeedMeter {
  /** Entry n - 1: ms of a decode of n streams; 0 where not measured. */
  const decodes = new Float64Array(slots)
  const reported = createAverage(PROMPT_HALF_LIFE)
  const recent = createAverage(RECENT_HALF_LIFE)
  let [waitedMs, aloneMs] = [0, 0]
  const prefillCost = createPrefillCost(() => decodeMs(1) ?? 0)

  function decodeMs(streams: number): number | null {
    for (let distance = 0; distance < slots; distance += 1) {
      const near = decodes[streams - 1 - distance] || decodes[streams - 1 + distance]
      if (near !== undefined && near > 0) return near
    }
    return null
  }
  return {
    decodeMs,
    msPerPromptToken: () => recent.value(),
    promptTokensIn: (ms) => prefillCost.within(ms),
    decoded(streams, took) {
      const at = streams - 1
      const before = decodes[at]
      if (before === undefined || took <= 0) return
      decodes[at] = before === 0 ? took : before + (took - before) * DECODE_WEIGHT
    },
    waited(streams, took) {
      const alone = decodeMs(streams)
      if (alone === null || took <= 0) return
      const keep = 0.5 ** (took / CROWDING_HALF_LIFE_MS)
      waitedMs = waitedMs * keep + took
      aloneMs = aloneMs * keep + Math.min(alone, took)
    },
    idle() {
      waitedMs = aloneMs = 0
    },
    prefilled(tokens, streams, took) {
      if (tokens <= 0 || took <= 0) return
      const beside = streams === 0 ? 0 : (decodeMs(streams) ?? 0)
      const ms = Math.max(took - beside, took * PROMPT_SHARE_MIN)
      reported.add(tokens, ms)
      recent.add(tokens, ms)
      prefillCost.add(tokens, ms)
    },
    view() {
      const perToken = reported.value()
      return {
        promptTokensPerSecond: perToken === null ? null : 1_000 / perToken,
        perStream: Array.from(decodes, (each) => (each > 0 ? 1_000 / each : null)),
        ...(aloneMs > 0 ? { crowding: (waitedMs + CROWDING_PRIOR_MS) / (aloneMs + CROWDING_PRIOR_MS) } : {}),
      }
    },
  }
}
