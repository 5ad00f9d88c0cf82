/**
 * The sequences of one context: who is in which, and which tokens a free one still holds. Admission takes the free slot
 * that keeps the running ones next to each other (gaps make several graph runs of one step) and fills it with the
 * longest known beginning of the prompt: its own content, a copy from another slot, or a parked state. What a slot held
 * is parked before it is lost, where that is worth it.
 */
import { createFollowing, type Following } from '../prefix-cache/prefix-follow.ts'
import { placeFor, type Placing } from '../prefix-cache/prefix-choice.ts'
import { COPY_MIN_TOKENS, commonLength, PARK_MIN_TOKENS } from '../prefix-cache/prefix-common.ts'
import { createPark, type Park, type Parked } from '../prefix-cache/saved-prefixes.ts'
import { answerLeft, promptLeft, type Placed } from './sequence.ts'
import type { StepModel } from './step-model.ts'

/** A tail that is a smaller part of the whole is not worth a copy of the whole. */
const PARK_MIN_SHARE = 1 / 8
/** A job that is sooner done leaves the gap open. */
const MOVE_MIN_TOKENS = 24
/** Steps that a gap must last. */
const GAP_STEPS = 8
/** A loop that fails to copy so many times in a row cannot. */
const COPY_FAILURES_MAX = 3

export interface Slots {
  /** Entry n: the job in slot n. */
  readonly bySlot: readonly (Placed | null)[]
  readonly running: number
  readonly free: number
  /** Takes a slot for the job with what is known of its prompt; sets slot, held and usage.cachedTokens. */
  take(placed: Placed): Promise<void>
  /** Between steps, before others come in: jobs that wait for another's beginning copy it once it is there. */
  catchUp(): Promise<void>
  /**
   * Between steps, while nobody waits for a slot: the highest running job goes into the lowest gap, once the gap has
   * lasted and where the job has some way to go.
   */
  closeGap(): Promise<void>
  /** Tokens that a step put into the job's slot. */
  fed(placed: Placed, tokens: readonly number[]): void
  release(placed: Placed): void
  /** After a failed step nothing is known of a slot's content. */
  forget(slot: number): Promise<void>
  dispose(): void
}

class ModelSlots implements Slots {
  readonly bySlot: (Placed | null)[]
  running = 0
  readonly #model: StepModel
  readonly #parked: Park
  readonly #following: Following
  readonly #contents: number[][]
  readonly #usedAt: number[]
  #uses = 0
  #gapSteps = 0
  #copyFailures = 0

  constructor(model: StepModel, mayLead: (leader: Placed, placed: Placed) => boolean) {
    const { slots } = model.model
    this.#model = model
    this.bySlot = Array.from({ length: slots }, () => null)
    this.#contents = Array.from({ length: slots }, () => [])
    this.#usedAt = Array.from({ length: slots }, () => 0)
    this.#parked = createPark(model)
    this.#following = createFollowing(this.bySlot, mayLead)
    if (model.kind === 'public') this.#copyFailures = COPY_FAILURES_MAX
  }

  get free(): number {
    return this.bySlot.length - this.running
  }

  get #copies(): boolean {
    return this.#copyFailures < COPY_FAILURES_MAX
  }

  async take(placed: Placed): Promise<void> {
    const { prompt } = placed.job
    const model = this.#model
    const contents = this.#contents
    const usedAt = this.#usedAt
    const parked = this.#parked
    const copies = this.#copies
    const { bySlot } = this
    const placing = placeFor(prompt, { reuse: model.prefixReuse, bySlot, contents, usedAt, parked, copies })
    bySlot[placing.slot] = placed
    placed.slot = placing.slot
    this.running += 1
    if (model.prefixReuse && copies) this.#following.join(placed, placing.common)
    placed.held = await this.#fill(placing, prompt)
    placed.usage.cachedTokens = placed.held
  }

  async catchUp(): Promise<void> {
    if (this.#following.size === 0) return
    for (const placed of this.bySlot) {
      const leader = placed === null ? null : this.#following.ready(placed)
      if (placed === null || leader === null) continue
      const { prompt } = placed.job
      const common = commonLength(this.#contents[leader.slot] ?? [], prompt, prompt.length - 1)
      if (common >= placed.held + COPY_MIN_TOKENS) {
        placed.held = await this.#copy(leader.slot, placed.slot, common)
        placed.usage.cachedTokens = placed.held
      }
      // Others may have waited for the same one: one of them reads on, and the rest waits again.
      if (leader.left) this.#following.join(placed, placed.held)
    }
  }

  async closeGap(): Promise<void> {
    if (this.running < 2 || this.free === 0 || !this.#copies) return
    const low = this.bySlot.findIndex((placed) => placed !== null)
    const high = this.bySlot.findLastIndex((placed) => placed !== null)
    this.#gapSteps = high - low + 1 === this.running ? 0 : this.#gapSteps + 1
    const placed = this.bySlot[high]
    if (this.#gapSteps < GAP_STEPS || placed === null || placed === undefined) return
    this.#gapSteps = 0
    if (placed.leader !== null || answerLeft(placed) + promptLeft(placed) <= MOVE_MIN_TOKENS) return
    const gap = this.bySlot.indexOf(null, low)
    await this.#spare(gap, 0, null)
    if ((await this.#copy(high, gap, placed.held)) < placed.held) return
    this.bySlot[gap] = placed
    this.bySlot[high] = null
    this.#usedAt[high] = this.#uses += 1
    placed.slot = gap
    // A second gap has lasted as long.
    this.#gapSteps = GAP_STEPS
  }

  fed(placed: Placed, tokens: readonly number[]): void {
    const content = this.#contents[placed.slot]
    if (content !== undefined) for (const token of tokens) content.push(token)
    placed.held += tokens.length
  }

  release(placed: Placed): void {
    if (this.bySlot[placed.slot] !== placed) return
    this.bySlot[placed.slot] = null
    this.#usedAt[placed.slot] = this.#uses += 1
    this.running -= 1
    this.#following.leave(placed)
  }

  async forget(slot: number): Promise<void> {
    this.#contents[slot] = []
    await this.#model.keep(slot, 0)
  }

  dispose(): void {
    this.#parked.dispose()
  }

  /** Makes the chosen slot hold the prompt's known beginning; returns how many tokens that are. */
  async #fill({ slot, common, own, from, state }: Placing, prompt: readonly number[]): Promise<number> {
    if (state !== null) this.#parked.use(state)
    await this.#spare(slot, own, state)
    if (from !== null) return this.#copy(from, slot, common)
    if (state === null) return this.#keep(slot, common, prompt)
    this.#contents[slot] = []
    if (await this.#model.restore(slot, state.state)) return this.#keep(slot, common, prompt)
    this.#parked.drop(state)
    return 0
  }

  async #keep(slot: number, count: number, prompt: readonly number[]): Promise<number> {
    // Until the model has answered, nothing is promised.
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
   * Parks what the slot holds beyond `kept`, unless it is little or held elsewhere too. `keep` must not be dropped for
   * it.
   */
  async #spare(slot: number, kept: number, keep: Parked | null): Promise<void> {
    const content = this.#contents[slot] ?? []
    if (
      !this.#model.prefixReuse ||
      this.#model.parkedBytes === 0 ||
      content.length - kept < Math.max(PARK_MIN_TOKENS, content.length * PARK_MIN_SHARE)
    )
      return
    const enough = content.length - PARK_MIN_TOKENS
    if (
      this.#contents.some((other, at) => at !== slot && commonLength(other, content) > enough) ||
      this.#parked.holds(content, enough)
    )
      return
    await this.#parked.save(slot, content, keep)
  }
}

/** `mayLead`: the second may wait for the first, which is as urgent. */
export const createSlots = (model: StepModel, mayLead: (leader: Placed, placed: Placed) => boolean): Slots =>
  new ModelSlots(model, mayLead)
