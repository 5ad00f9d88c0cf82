/** How fast this engine really is, from its own steps: moving averages of what a prompt token and a decode of n streams cost. */
import type { EngineSpeed } from '#core/engine/engine.port.ts'

/** Weight of the newest decode. */
const DECODE_WEIGHT = 1 / 16
/** After so many prompt tokens an old measurement counts half. */
const PROMPT_HALF_LIFE = 2_048
/** A prompt token of a mixed step costs at least this share of the step's time, however the decodes were measured. */
const PROMPT_SHARE_MIN = 0.1

export interface Speed {
  /** A turn of the loop with so many decodes and no prompt token. */
  decoded(streams: number, ms: number): void
  /** A step that evaluated prompt tokens beside so many decodes. */
  read(tokens: number, streams: number, ms: number): void
  /** Null while nothing was measured. */
  msPerPromptToken(): number | null
  /** One decode of so many streams, from the nearest number that was measured; null while none was. */
  decodeMs(streams: number): number | null
  view(): EngineSpeed
}

export function createSpeed(slots: number): Speed {
  /** Entry n - 1: ms of a decode of n streams; 0 is not measured. */
  const decodes = new Float64Array(slots)
  let tokens = 0
  let ms = 0

  function decodeMs(streams: number): number | null {
    for (let distance = 0; distance < slots; distance += 1) {
      const near = decodes[streams - 1 - distance] || decodes[streams - 1 + distance]
      if (near !== undefined && near > 0) return near
    }
    return null
  }
  const msPerPromptToken = (): number | null => (tokens > 0 && ms > 0 ? ms / tokens : null)

  return {
    decodeMs,
    msPerPromptToken,
    decoded(streams, took) {
      const at = streams - 1
      const before = decodes[at]
      if (before === undefined || took <= 0) return
      decodes[at] = before === 0 ? took : before + (took - before) * DECODE_WEIGHT
    },
    read(read, streams, took) {
      if (read <= 0 || took <= 0) return
      const beside = streams === 0 ? 0 : (decodeMs(streams) ?? 0)
      const keep = 0.5 ** (read / PROMPT_HALF_LIFE)
      tokens = tokens * keep + read
      ms = ms * keep + Math.max(took - beside, took * PROMPT_SHARE_MIN)
    },
    view() {
      const perToken = msPerPromptToken()
      return {
        promptTokensPerSecond: perToken === null ? null : 1_000 / perToken,
        perStream: Array.from(decodes, (each) => (each > 0 ? 1_000 / each : null)),
      }
    },
  }
}
