/**
 * The slots of one context: the sequence in each, and the tokens that are still in the KV cache of a free one. A new
 * job takes the free slot that keeps the running ones adjacent (a gap splits a step into several graph runs), and
 * starts from the longest cached prefix of its prompt: in that slot, in another slot (copied), or saved. What a slot
 * holds is saved before it is overwritten, where that is worth it. Prefixes are reused inside one cache scope only: what
 * one buyer's prompts have in common with another's, or the owner's, must not show in the time an answer takes.
 */
import { createPrefixFollowers, type PrefixFollowers } from '../prefix-cache/prefix-follow.ts'
import { chooseSlot, type SlotChoice } from '../prefix-cache/prefix-choice.ts'
import { COPY_MIN_TOKENS, commonLength, SAVE_MIN_TOKENS } from '../prefix-cache/prefix-common.ts'
import { createSavedPrefixes, type SavedPrefixes, type SavedPrefix } from '../prefix-cache/saved-prefixes.ts'
import type { EngineJob } from './engine-job.ts'
import { outputTokensLeft, promptTokensLeft, type Sequence } from './sequence.ts'
import type { StepModel } from './step-model.ts'

/** The tokens that would be lost must be this share of the whole: saving copies the whole. */
const SAVE_MIN_SHARE = 1 / 8
/** A job with fewer tokens left is not moved into a gap. */
const MOVE_MIN_TOKENS = 24
/** Steps that a gap must last before it is closed. */
const GAP_STEPS = 8
/** After this many failed copies in a row no more are tried. */
const COPY_FAILURES_MAX = 3

export interface Slots {
  /** Entry n: the sequence in slot n. */
  readonly bySlot: readonly (Sequence | null)[]
  readonly running: number
  readonly free: number
  /** Takes a slot and fills it with the longest cached prefix; sets slot, kvTokens and usage.cachedTokens. */
  take(sequence: Sequence): Promise<void>
  /** Between steps, before new jobs come in: those that wait for a leader's prefix copy it once it is there. */
  catchUp(): Promise<void>
  /**
   * Between steps, while no job waits for a slot: moves the sequence in the highest slot into the lowest gap, once the
   * gap has lasted and if the sequence has some way to go.
   */
  closeGap(): Promise<void>
  /** A step put these tokens into the sequence's KV cache. */
  append(sequence: Sequence, tokens: readonly number[]): void
  release(sequence: Sequence): void
  /** Empties a slot: after a failed step its content is unknown. */
  forget(slot: number): Promise<void>
  dispose(): void
}

class ModelSlots implements Slots {
  readonly bySlot: (Sequence | null)[]
  running = 0
  readonly #model: StepModel
  readonly #savedPrefixes: SavedPrefixes
  readonly #followers: PrefixFollowers
  /** Entry n: the tokens in the KV cache of slot n. */
  readonly #contents: number[][]
  /** Entry n: whose tokens they are; null for nobody's, which are never reused. */
  readonly #scopes: (string | null)[]
  readonly #usedAt: number[]
  #uses = 0
  #gapSteps = 0
  #copyFailures = 0

  constructor(model: StepModel, mayLead: (leader: Sequence, sequence: Sequence) => boolean) {
    const { slots } = model.model
    this.#model = model
    this.bySlot = Array.from({ length: slots }, () => null)
    this.#contents = Array.from({ length: slots }, () => [])
    this.#scopes = Array.from({ length: slots }, () => null)
    this.#usedAt = Array.from({ length: slots }, () => 0)
    this.#savedPrefixes = createSavedPrefixes(model)
    this.#followers = createPrefixFollowers(this.bySlot, mayLead)
    if (model.kind === 'public') this.#copyFailures = COPY_FAILURES_MAX
  }

  get free(): number {
    return this.bySlot.length - this.running
  }

  get #copies(): boolean {
    return this.#copyFailures < COPY_FAILURES_MAX
  }

  async take(sequence: Sequence): Promise<void> {
    const { prompt, cacheScope } = sequence.job
    const model = this.#model
    const contents = this.#contents
    const usedAt = this.#usedAt
    const shared = this.#scopes.map((scope) => cacheScope !== null && scope === cacheScope)
    const savedPrefixes = {
      best: (asked: readonly number[], most: number) => this.#savedPrefixes.best(cacheScope, asked, most),
    }
    const copies = this.#copies
    const { bySlot } = this
    const choice = chooseSlot(prompt, {
      reuse: model.prefixReuse,
      bySlot,
      contents,
      shared,
      usedAt,
      savedPrefixes,
      copies,
    })
    bySlot[choice.slot] = sequence
    sequence.slot = choice.slot
    this.running += 1
    if (model.prefixReuse && copies) this.#followers.join(sequence, choice.common)
    sequence.kvTokens = await this.#fill(choice, sequence.job)
    sequence.usage.cachedTokens = sequence.kvTokens
  }

  async catchUp(): Promise<void> {
    if (this.#followers.size === 0) return
    for (const sequence of this.bySlot) {
      const leader = sequence === null ? null : this.#followers.ready(sequence)
      if (sequence === null || leader === null) continue
      const { prompt } = sequence.job
      const common = commonLength(this.#contents[leader.slot] ?? [], prompt, prompt.length - 1)
      if (common >= sequence.kvTokens + COPY_MIN_TOKENS) {
        sequence.kvTokens = await this.#copy(leader.slot, sequence.slot, common)
        sequence.usage.cachedTokens = sequence.kvTokens
      }
      // Others may have waited for the same leader: one of them prefills on, and the rest wait for that one.
      if (leader.finished) this.#followers.join(sequence, sequence.kvTokens)
    }
  }

  async closeGap(): Promise<void> {
    if (this.running < 2 || this.free === 0 || !this.#copies) return
    const low = this.bySlot.findIndex((sequence) => sequence !== null)
    const high = this.bySlot.findLastIndex((sequence) => sequence !== null)
    this.#gapSteps = high - low + 1 === this.running ? 0 : this.#gapSteps + 1
    const sequence = this.bySlot[high]
    if (this.#gapSteps < GAP_STEPS || sequence === null || sequence === undefined) return
    this.#gapSteps = 0
    if (sequence.leader !== null || outputTokensLeft(sequence) + promptTokensLeft(sequence) <= MOVE_MIN_TOKENS) return
    const gap = this.bySlot.indexOf(null, low)
    await this.#saveIfWorth(gap, 0, null)
    this.#scopes[gap] = sequence.job.cacheScope
    if ((await this.#copy(high, gap, sequence.kvTokens)) < sequence.kvTokens) return
    this.bySlot[gap] = sequence
    this.bySlot[high] = null
    this.#usedAt[high] = this.#uses += 1
    sequence.slot = gap
    // If there is a second gap, it has lasted as long.
    this.#gapSteps = GAP_STEPS
  }

  append(sequence: Sequence, tokens: readonly number[]): void {
    const content = this.#contents[sequence.slot]
    if (content !== undefined) for (const token of tokens) content.push(token)
    sequence.kvTokens += tokens.length
  }

  release(sequence: Sequence): void {
    if (this.bySlot[sequence.slot] !== sequence) return
    this.bySlot[sequence.slot] = null
    this.#usedAt[sequence.slot] = this.#uses += 1
    this.running -= 1
    this.#followers.release(sequence)
  }

  async forget(slot: number): Promise<void> {
    this.#contents[slot] = []
    this.#scopes[slot] = null
    await this.#model.keep(slot, 0)
  }

  dispose(): void {
    this.#savedPrefixes.dispose()
  }

  /** Brings the cached prefix into the chosen slot; returns its length in tokens. */
  async #fill(
    { slot, common, own, from, saved }: SlotChoice,
    { prompt, cacheScope }: Pick<EngineJob, 'prompt' | 'cacheScope'>,
  ): Promise<number> {
    if (saved !== null) this.#savedPrefixes.use(saved)
    await this.#saveIfWorth(slot, own, saved)
    this.#scopes[slot] = cacheScope
    if (from !== null) return this.#copy(from, slot, common)
    if (saved === null) return this.#keep(slot, common, prompt)
    this.#contents[slot] = []
    if (await this.#model.restore(slot, saved.state)) return this.#keep(slot, common, prompt)
    this.#savedPrefixes.drop(saved)
    return 0
  }

  async #keep(slot: number, count: number, prompt: readonly number[]): Promise<number> {
    // If the call fails, the content is unknown.
    this.#contents[slot] = []
    const kept = await this.#model.keep(slot, count)
    this.#contents[slot] = prompt.slice(0, kept)
    return kept
  }

  async #copy(from: number, to: number, count: number): Promise<number> {
    this.#contents[to] = []
    const copied = await this.#model.copy(from, to, count)
    this.#copyFailures = copied > 0 ? 0 : this.#copyFailures + 1
    this.#contents[to] = (this.#contents[from] ?? []).slice(0, copied)
    return copied
  }

  /**
   * Saves the slot's content unless few tokens beyond the first `kept` would be lost, or another slot or a saved prefix
   * has them too. `keep` is never dropped to make room.
   */
  async #saveIfWorth(slot: number, kept: number, keep: SavedPrefix | null): Promise<void> {
    const content = this.#contents[slot] ?? []
    const scope = this.#scopes[slot] ?? null
    if (
      scope === null ||
      !this.#model.prefixReuse ||
      this.#model.savedPrefixBytes === 0 ||
      content.length - kept < Math.max(SAVE_MIN_TOKENS, content.length * SAVE_MIN_SHARE)
    )
      return
    const enough = content.length - SAVE_MIN_TOKENS
    if (
      this.#contents.some(
        (other, at) => at !== slot && this.#scopes[at] === scope && commonLength(other, content) > enough,
      ) ||
      this.#savedPrefixes.has(scope, content, enough)
    )
      return
    await this.#savedPrefixes.save(slot, scope, content, keep)
  }
}

/** `mayLead`: whether the second sequence may wait for the first, because that is at least as urgent. */
export const createSlots = (model: StepModel, mayLead: (leader: Sequence, sequence: Sequence) => boolean): Slots =>
  new ModelSlots(model, mayLead)
