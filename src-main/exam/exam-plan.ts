/**
 * Which call comes next, given how the limits stand. Bounds of an attempt. Source: docs/exam.md, Verdict, Load calls.
 */
import type { Place } from './exam-calls.ts'
import { FAMILIES } from './generate-items.ts'
import { familyLimit, LIMIT, type Tally } from './tally.ts'
import type { ExamPhase } from './exam-types.ts'

export const ROUNDS_MAX = 50
/** Extra items of one family, at indices ROUNDS_MAX, ROUNDS_MAX + 1, … */
export const EXTRA_MAX = 120
/** Load calls of one phase. At a true share of 0.98 about 250 decide on average; 97 clean ones do. */
export const LOAD_CALLS_MAX = 500

/** `exhausted`: a bound is reached and a limit of this phase still is undecided. */
export type PlanStep = { kind: 'call'; place: Place } | { kind: 'next-phase' } | { kind: 'exhausted' }

export class ExamPlan {
  phase: ExamPhase = 'items'
  readonly #slots: number
  /** Items of complete and begun rounds handed out. */
  #items = 0
  readonly #extra = new Map<string, number>()
  #loads = { single: 0, slots: 0 }

  constructor(slots: number) {
    this.#slots = slots
  }

  /** True when the next call must wait for the results of those in flight. */
  mustWait(inFlight: number): boolean {
    return inFlight >= (this.phase === 'slots' ? this.#slots : 1)
  }

  /** Moves to the next place. To be called only with every counted result in `tally`, as far as `mustWait` allows. */
  step(tally: Tally): PlanStep {
    return this.phase === 'items' ? this.#stepItems(tally) : this.#stepLoad(tally, this.phase)
  }

  nextPhase(): void {
    this.phase = this.phase === 'items' ? 'single' : 'slots'
  }

  /** Whether a place closes a round (true), stands inside one (false) or is extra (null). */
  static endsRound(place: { family: string; index: number }): boolean | null {
    return place.index >= ROUNDS_MAX ? null : place.family === FAMILIES.at(-1)
  }

  /** The most calls that may still be handed out. */
  remaining(tally: Tally): number {
    const loads = LOAD_CALLS_MAX - this.#loads.single + (this.#slots > 1 ? LOAD_CALLS_MAX : 0)
    if (this.phase === 'slots') return LOAD_CALLS_MAX - this.#loads.slots
    if (this.phase === 'single') return loads
    const open = FAMILIES.filter((family) => tally.state(familyLimit(family)) === 'undecided')
    const extras = open.reduce((sum, family) => sum + EXTRA_MAX - (this.#extra.get(family) ?? 0), 0)
    const rounds = tally.state(LIMIT.intelligence) === 'undecided' ? ROUNDS_MAX * FAMILIES.length - this.#items : 0
    return rounds + extras + loads
  }

  #stepItems(tally: Tally): PlanStep {
    const family = FAMILIES[this.#items % FAMILIES.length]!
    const index = Math.floor(this.#items / FAMILIES.length)
    const insideRound = this.#items % FAMILIES.length > 0
    if (insideRound || (tally.state(LIMIT.intelligence) === 'undecided' && index < ROUNDS_MAX)) {
      this.#items += 1
      return { kind: 'call', place: { phase: 'items', family, index } }
    }
    if (tally.state(LIMIT.intelligence) === 'undecided') return { kind: 'exhausted' }
    const open = FAMILIES.find((candidate) => tally.state(familyLimit(candidate)) === 'undecided')
    if (open === undefined) return { kind: 'next-phase' }
    const asked = this.#extra.get(open) ?? 0
    if (asked >= EXTRA_MAX) return { kind: 'exhausted' }
    this.#extra.set(open, asked + 1)
    return { kind: 'call', place: { phase: 'items', family: open, index: ROUNDS_MAX + asked } }
  }

  #stepLoad(tally: Tally, phase: 'single' | 'slots'): PlanStep {
    const last = phase === 'slots' || this.#slots === 1
    const needed = last ? [phase === 'slots' ? LIMIT.slots : LIMIT.single, LIMIT.ttft, LIMIT.full] : [LIMIT.single]
    if (needed.every((name) => tally.state(name) !== 'undecided'))
      return last ? { kind: 'exhausted' } : { kind: 'next-phase' }
    if (this.#loads[phase] >= LOAD_CALLS_MAX) return { kind: 'exhausted' }
    const index = this.#loads[phase]
    this.#loads[phase] += 1
    return { kind: 'call', place: { phase, index } }
  }
}
