/**
 * Parked prefixes: what slots held before they were given to other jobs, kept in memory up to a bound; the least
 * recently used goes first.
 */
import { commonLength } from './prefix-common.ts'
import type { SavedState, StepModel } from '../scheduler/step-model.ts'

export interface Parked {
  readonly tokens: readonly number[]
  readonly state: SavedState
  readonly bytes: number
  usedAt: number
}

export interface Park {
  readonly bytes: number
  readonly size: number
  /** The parked state that begins most like the prompt, up to `most` tokens. */
  best(prompt: readonly number[], most: number): { parked: Parked; common: number } | null
  /** Some parked state begins with more than so many of these tokens. */
  holds(tokens: readonly number[], most: number): boolean
  /** Parks what the slot holds, where it fits; never drops `keep` for it. */
  save(slot: number, tokens: readonly number[], keep: Parked | null): Promise<void>
  use(parked: Parked): void
  drop(parked: Parked): void
  dispose(): void
}

/** States are looked through at every admission. */
const PARKED_MAX = 256
const TOKEN_BYTES = 8

export function createPark(model: StepModel): Park {
  const all = new Set<Parked>()
  let bytes = 0
  let clock = 0
  /** Learned from the last state saved; null before. */
  let bytesPerToken: number | null = null
  let able = model.prefixReuse && model.parkedBytes > 0

  function drop(parked: Parked): void {
    if (!all.delete(parked)) return
    bytes -= parked.bytes
    parked.state.dispose()
  }
  /** Drops the least recently used until so many bytes fit; false when that cannot be. */
  function makeRoom(needed: number, keep: Parked | null): boolean {
    if (needed + (keep?.bytes ?? 0) > model.parkedBytes) return false
    while (bytes + needed > model.parkedBytes || all.size >= PARKED_MAX) {
      let oldest: Parked | null = null
      for (const parked of all)
        if (parked !== keep && (oldest === null || parked.usedAt < oldest.usedAt)) oldest = parked
      if (oldest === null) return false
      drop(oldest)
    }
    return true
  }

  return {
    get bytes() {
      return bytes
    },
    get size() {
      return all.size
    },
    best(prompt, most) {
      let best: { parked: Parked; common: number } | null = null
      for (const parked of all) {
        const common = commonLength(parked.tokens, prompt, most)
        if (common > (best?.common ?? 0)) best = { parked, common }
      }
      return best
    },
    holds(tokens, most) {
      for (const parked of all) if (commonLength(parked.tokens, tokens) > most) return true
      return false
    },
    async save(slot, tokens, keep) {
      if (!able) return
      // What the new state begins with is in the new state.
      for (const parked of all)
        if (
          parked !== keep &&
          parked.tokens.length <= tokens.length &&
          commonLength(parked.tokens, tokens) === parked.tokens.length
        )
          drop(parked)
      if (bytesPerToken !== null && !makeRoom(bytesPerToken * tokens.length, keep)) return
      const state = await model.save(slot)
      if (state === null) {
        able = false
        return
      }
      const size = state.bytes + tokens.length * TOKEN_BYTES
      bytesPerToken = size / tokens.length
      if (!makeRoom(size, keep)) {
        state.dispose()
        return
      }
      all.add({ tokens: [...tokens], state, bytes: size, usedAt: (clock += 1) })
      bytes += size
    },
    use: (parked) => void (parked.usedAt = clock += 1),
    drop,
    dispose() {
      for (const parked of all) drop(parked)
    },
  }
}
