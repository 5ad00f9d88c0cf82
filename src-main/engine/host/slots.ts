/**
 * The sequences of one context: who is in which, and which tokens a free one still holds. Admission takes the free slot that keeps the running
 * ones next to each other (gaps make several graph runs of one step) and fills it with the longest known beginning of the prompt: its own
 * content, a copy from another slot, or a parked state. What a slot held is parked before it is lost, where that is worth it.
 */
import { placeFor, type Choice } from './prefix-choice.ts'
import { commonLength } from './prefix-common.ts'
import { createPark, type Park } from './prefix-park.ts'
import { answerLeft, promptLeft, type Placed } from './placed.ts'
import type { StepModel } from './step-model.ts'

/** Fewer tokens than these are evaluated again sooner than saved. */
const PARK_MIN_TOKENS = 64
/** A tail that is a smaller part of the whole is not worth a copy of the whole. */
const PARK_MIN_SHARE = 1 / 8
/** A job that is sooner done leaves the gap open. */
const MOVE_MIN_TOKENS = 24
/** Steps that a gap must last. */
const GAP_STEPS = 8
/** Looks at a leader that got no further, one a step: then its follower reads for itself. */
const STALLS_MAX = 8
/** A loop that fails to copy so many times in a row cannot. */
const COPY_FAILURES_MAX = 3
/** Common tokens below which nothing is copied. */
const COPY_MIN_TOKENS = 16

export interface Slots {
  /** Entry n: the job in slot n. */
  readonly bySlot: readonly (Placed | null)[]
  readonly running: number
  readonly free: number
  /** Running jobs moved together so far. */
  readonly moves: number
  readonly parked: Pick<Park, 'bytes' | 'size'>
  /** Takes a slot for the job with what is known of its prompt; sets slot, held and usage.cachedTokens. `before`: may this job wait for that one? */
  take(placed: Placed, before: (leader: Placed) => boolean): Promise<void>
  /** Between steps: followers catch up with their leaders, and gaps are closed while nobody waits. */
  tidy(nobodyWaits: boolean): Promise<void>
  /** Tokens that a step put into the job's slot. */
  fed(placed: Placed, tokens: readonly number[]): void
  release(placed: Placed): void
  /** After a failed step nothing is known of a slot's content. */
  forget(slot: number): Promise<void>
  dispose(): void
}

/** What a leader has, and those it waits for itself. */
function progress(leader: Placed): number {
  let held = 0
  for (let at: Placed | null = leader; at !== null; at = at.leader) held += at.held
  return held
}

class ModelSlots implements Slots {
  readonly bySlot: (Placed | null)[]
  running = 0
  moves = 0
  readonly parked: Park
  private readonly model: StepModel
  private readonly contents: number[][]
  private readonly usedAt: number[]
  private uses = 0
  private followers = 0
  private gapSteps = 0
  private copyFailures = 0

  constructor(model: StepModel) {
    const { slots } = model.model
    this.model = model
    this.bySlot = Array.from({ length: slots }, () => null)
    this.contents = Array.from({ length: slots }, () => [])
    this.usedAt = Array.from({ length: slots }, () => 0)
    this.parked = createPark(model)
    if (model.kind === 'public') this.copyFailures = COPY_FAILURES_MAX
  }

  get free(): number {
    return this.bySlot.length - this.running
  }

  private get copies(): boolean {
    return this.copyFailures < COPY_FAILURES_MAX
  }

  async take(placed: Placed, before: (leader: Placed) => boolean): Promise<void> {
    const { prompt } = placed.job
    const { model, bySlot, contents, usedAt, parked, copies } = this
    const choice = placeFor(prompt, { reuse: model.prefixReuse, bySlot, contents, usedAt, parked, copies })
    bySlot[choice.slot] = placed
    placed.slot = choice.slot
    this.running += 1
    if (model.prefixReuse && copies) this.follow(placed, choice.common, before)
    placed.held = await this.fill(choice, prompt)
    placed.usage.cachedTokens = placed.held
  }

  async tidy(nobodyWaits: boolean): Promise<void> {
    if (this.followers > 0) for (const placed of this.bySlot) if (placed !== null && placed.leader !== null) await this.catchUp(placed, placed.leader)
    if (this.running < 2 || this.free === 0 || !nobodyWaits) this.gapSteps = 0
    else await this.closeGap()
  }

  fed(placed: Placed, tokens: readonly number[]): void {
    const content = this.contents[placed.slot]
    if (content !== undefined) for (const token of tokens) content.push(token)
    placed.held += tokens.length
  }

  release(placed: Placed): void {
    if (this.bySlot[placed.slot] !== placed) return
    this.bySlot[placed.slot] = null
    this.usedAt[placed.slot] = this.uses += 1
    this.running -= 1
    this.lead(placed, null)
  }

  async forget(slot: number): Promise<void> {
    this.contents[slot] = []
    await this.model.keep(slot, 0)
  }

  dispose(): void {
    this.parked.dispose()
  }

  /** Makes the chosen slot hold the prompt's known beginning; returns how many tokens that are. */
  private async fill({ slot, common, own, from, state }: Choice, prompt: readonly number[]): Promise<number> {
    if (state !== null) this.parked.use(state)
    await this.spare(slot, from === null && state === null ? common : own, state)
    if (from !== null) return this.copy(from, slot, common)
    if (state === null) return this.keep(slot, common, prompt)
    if (await this.model.restore(slot, state.state)) {
      this.contents[slot] = [...state.tokens]
      return this.keep(slot, common, prompt)
    }
    this.parked.drop(state)
    this.contents[slot] = []
    return 0
  }

  private async keep(slot: number, count: number, prompt: readonly number[]): Promise<number> {
    // Until the model has answered, nothing is promised.
    this.contents[slot] = []
    const kept = await this.model.keep(slot, count)
    this.contents[slot] = prompt.slice(0, kept)
    return kept
  }

  private async copy(from: number, to: number, count: number): Promise<number> {
    this.contents[to] = []
    const copied = await this.model.copy(from, to, count)
    this.copyFailures = copied > 0 ? 0 : this.copyFailures + 1
    this.contents[to] = (this.contents[from] ?? []).slice(0, copied)
    return copied
  }

  /** Parks what the slot holds beyond `kept`, unless it is little or held elsewhere too. `keep` must not be dropped for it. */
  private async spare(slot: number, kept: number, keep: Choice['state']): Promise<void> {
    const content = this.contents[slot] ?? []
    if (!this.model.prefixReuse || this.model.parkedBytes === 0 || content.length - kept < Math.max(PARK_MIN_TOKENS, content.length * PARK_MIN_SHARE)) return
    const enough = content.length - PARK_MIN_TOKENS
    if (this.contents.some((other, at) => at !== slot && commonLength(other, content) > enough) || this.parked.holds(content, PARK_MIN_TOKENS - 1)) return
    await this.parked.save(slot, content, keep)
  }

  /** Lets the job wait for one that reads the same beginning now, where that spares it something. */
  private follow(placed: Placed, known: number, before: (leader: Placed) => boolean): void {
    const { prompt } = placed.job
    let wanted = known + PARK_MIN_TOKENS - 1
    let leader: Placed | null = null
    for (const other of this.bySlot) {
      if (other === null || other === placed || other.next !== null || !before(other)) continue
      const common = commonLength(other.job.prompt, prompt, prompt.length - 1)
      if (common <= wanted || common <= other.held) continue
      wanted = common
      leader = other
    }
    if (leader === null) return
    placed.wanted = wanted
    placed.leaderHeld = progress(leader)
    this.lead(placed, leader)
  }

  private lead(placed: Placed, leader: Placed | null): void {
    this.followers += (leader === null ? 0 : 1) - (placed.leader === null ? 0 : 1)
    placed.leader = leader
  }

  /** Copies once the leader is far enough, has left, or does not get on. */
  private async catchUp(placed: Placed, leader: Placed): Promise<void> {
    if (!leader.left && leader.held < placed.wanted) {
      const now = progress(leader)
      placed.stalls = now > placed.leaderHeld ? 0 : placed.stalls + 1
      placed.leaderHeld = now
      if (placed.stalls < STALLS_MAX) return
    }
    this.lead(placed, null)
    const { prompt } = placed.job
    const common = commonLength(this.contents[leader.slot] ?? [], prompt, prompt.length - 1)
    if (common < placed.held + COPY_MIN_TOKENS) return
    placed.held = await this.copy(leader.slot, placed.slot, common)
    placed.usage.cachedTokens = placed.held
  }

  /** The highest running job goes into the lowest gap, once the gap has lasted and where the job has some way to go. */
  private async closeGap(): Promise<void> {
    const low = this.bySlot.findIndex((placed) => placed !== null)
    const high = this.bySlot.findLastIndex((placed) => placed !== null)
    if (high - low + 1 === this.running || !this.copies) {
      this.gapSteps = 0
      return
    }
    this.gapSteps += 1
    const placed = this.bySlot[high]
    if (this.gapSteps < GAP_STEPS || placed === null || placed === undefined) return
    this.gapSteps = 0
    if (placed.leader !== null || answerLeft(placed) + promptLeft(placed) <= MOVE_MIN_TOKENS) return
    const gap = this.bySlot.indexOf(null, low)
    await this.spare(gap, 0, null)
    if ((await this.copy(high, gap, placed.held)) < placed.held) return
    this.bySlot[gap] = placed
    this.bySlot[high] = null
    this.usedAt[high] = this.uses += 1
    placed.slot = gap
    this.moves += 1
    // The next gap need not last again.
    this.gapSteps = GAP_STEPS
  }
}

export const createSlots = (model: StepModel): Slots => new ModelSlots(model)
