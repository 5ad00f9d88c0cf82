/**
 * Saved prefixes: the KV cache of slots that were given to other jobs, kept in main memory up to a bound; the least
 * recently used is dropped first.
 */
import { commonLength } from './prefix-common.ts'
import type { SavedState, StepModel } from '../scheduler/step-model.ts'

export interface SavedPrefix {
  /** Jobs of this scope alone find it. */
  readonly scope: string
  readonly tokens: readonly number[]
  readonly state: SavedState
  readonly bytes: number
  usedAt: number
}

export interface SavedPrefixes {
  readonly bytes: number
  readonly size: number
  /**
   * The one of this scope with the longest common prefix with the prompt, of at most `most` tokens; null where nothing
   * is common, or there is no scope.
   */
  best(scope: string | null, prompt: readonly number[], most: number): { prefix: SavedPrefix; common: number } | null
  /** True when one of this scope has more than the first `most` of these tokens. */
  has(scope: string, tokens: readonly number[], most: number): boolean
  /** Saves what the slot holds, if it fits; never drops `keep` for it. */
  save(slot: number, scope: string, tokens: readonly number[], keep: SavedPrefix | null): Promise<void>
  use(prefix: SavedPrefix): void
  drop(prefix: SavedPrefix): void
  dispose(): void
}

/** Every admission compares its prompt with all of them. */
const SAVED_PREFIXES_MAX = 256
const TOKEN_BYTES = 8

class BoundedPrefixes implements SavedPrefixes {
  readonly #model: StepModel
  readonly #all = new Set<SavedPrefix>()
  #bytes = 0
  #uses = 0
  /** Learned from the last one saved; null before. */
  #bytesPerToken: number | null = null
  #canSave: boolean

  constructor(model: StepModel) {
    this.#model = model
    this.#canSave = model.prefixReuse && model.savedPrefixBytes > 0
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#all.size
  }

  best(scope: string | null, prompt: readonly number[], most: number): { prefix: SavedPrefix; common: number } | null {
    let best: { prefix: SavedPrefix; common: number } | null = null
    for (const prefix of this.#all) {
      if (prefix.scope !== scope) continue
      const common = commonLength(prefix.tokens, prompt, most)
      if (common > (best?.common ?? 0)) best = { prefix, common }
    }
    return best
  }

  has(scope: string, tokens: readonly number[], most: number): boolean {
    for (const prefix of this.#all)
      if (prefix.scope === scope && commonLength(prefix.tokens, tokens) > most) return true
    return false
  }

  async save(slot: number, scope: string, tokens: readonly number[], keep: SavedPrefix | null): Promise<void> {
    if (!this.#canSave) return
    this.#dropPrefixesOf(scope, tokens, keep)
    if (this.#bytesPerToken !== null && !this.#makeRoom(this.#bytesPerToken * tokens.length, keep)) return
    const state = await this.#model.save(slot)
    if (state === null) {
      this.#canSave = false
      return
    }
    const bytes = state.bytes + tokens.length * TOKEN_BYTES
    this.#bytesPerToken = bytes / tokens.length
    if (!this.#makeRoom(bytes, keep)) {
      state.dispose()
      return
    }
    this.#all.add({ scope, tokens: [...tokens], state, bytes, usedAt: (this.#uses += 1) })
    this.#bytes += bytes
  }

  use(prefix: SavedPrefix): void {
    prefix.usedAt = this.#uses += 1
  }

  drop(prefix: SavedPrefix): void {
    if (!this.#all.delete(prefix)) return
    this.#bytes -= prefix.bytes
    prefix.state.dispose()
  }

  dispose(): void {
    for (const prefix of this.#all) this.drop(prefix)
  }

  /** Whatever is a prefix of these tokens is part of what is saved now. */
  #dropPrefixesOf(scope: string, tokens: readonly number[], keep: SavedPrefix | null): void {
    for (const prefix of this.#all)
      if (
        prefix !== keep &&
        prefix.scope === scope &&
        prefix.tokens.length <= tokens.length &&
        commonLength(prefix.tokens, tokens) === prefix.tokens.length
      )
        this.drop(prefix)
  }

  /** Drops the least recently used until `needed` bytes fit; false when they cannot. */
  #makeRoom(needed: number, keep: SavedPrefix | null): boolean {
    const most = this.#model.savedPrefixBytes
    if (needed + (keep?.bytes ?? 0) > most) return false
    while (this.#bytes + needed > most || this.#all.size >= SAVED_PREFIXES_MAX) {
      let oldest: SavedPrefix | null = null
      for (const prefix of this.#all)
        if (prefix !== keep && (oldest === null || prefix.usedAt < oldest.usedAt)) oldest = prefix
      if (oldest === null) return false
      this.drop(oldest)
    }
    return true
  }
}

/** None is ever saved where the model allows no prefix reuse, or 0 bytes for it. */
export const createSavedPrefixes = (model: StepModel): SavedPrefixes => new BoundedPrefixes(model)
