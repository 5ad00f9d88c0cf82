/**
 * What an engine's measured speed says about so many streams at once. Pure but for the memory of when a figure last
 * moved.
 */
import type { EngineSpeed } from '#core/engine/engine.port.ts'

const known = (rate: number | null | undefined): rate is number =>
  rate !== null && rate !== undefined && Number.isFinite(rate) && rate > 0

/**
 * Engine tokens per second of each of `streams` at once; null when nothing was measured. What was not measured itself:
 * between two measured numbers of streams the time a token is interpolated (a decode step takes a fixed part and a part
 * for each stream); below all of them the nearest larger one holds, since fewer streams are never slower; above all of
 * them the nearest smaller one, until the machine shows otherwise.
 */
export function streamRate(perStream: EngineSpeed['perStream'], streams: number): number | null {
  const exact = perStream[streams - 1]
  if (known(exact)) return exact
  let below: { n: number; rate: number } | null = null
  let above: { n: number; rate: number } | null = null
  for (const [at, rate] of perStream.entries()) {
    if (!known(rate)) continue
    const n = at + 1
    if (n < streams) below = { n, rate }
    else above ??= { n, rate }
  }
  if (below === null || above === null) return above?.rate ?? below?.rate ?? null
  const share = (streams - below.n) / (above.n - below.n)
  return 1 / (1 / below.rate + share * (1 / above.rate - 1 / below.rate))
}

/**
 * When each figure last moved. An engine measures only what runs: a rate from an hour ago, when another program held
 * the cores, must not keep jobs away for ever, since without jobs nothing new is measured.
 */
export class SpeedMemory {
  #prompt: { value: number | null; at: number } = { value: null, at: 0 }
  readonly #streams: { value: number | null; at: number }[] = []
  #crowding: { value: number | null; at: number } = { value: null, at: 0 }

  /** Takes note of what the engine says now (monotonic milliseconds). */
  see(speed: EngineSpeed, mono: number): void {
    if (this.#prompt.value !== speed.promptTokensPerSecond)
      this.#prompt = { value: speed.promptTokensPerSecond, at: mono }
    const crowding = speed.crowding ?? null
    if (this.#crowding.value !== crowding) this.#crowding = { value: crowding, at: mono }
    for (const [at, value] of speed.perStream.entries())
      if (this.#streams[at]?.value !== value) this.#streams[at] = { value: value ?? null, at: mono }
    this.#streams.length = Math.min(this.#streams.length, speed.perStream.length)
  }

  /** What moved within the last `ageMs`; the rest is null, as if never measured. */
  fresh(mono: number, ageMs: number): EngineSpeed {
    const young = ({ value, at }: { value: number | null; at: number }): number | null =>
      mono - at <= ageMs ? value : null
    const crowding = young(this.#crowding)
    return {
      promptTokensPerSecond: young(this.#prompt),
      perStream: Array.from(this.#streams, (one) => (one === undefined ? null : young(one))),
      ...(crowding === null ? {} : { crowding }),
    }
  }
}
