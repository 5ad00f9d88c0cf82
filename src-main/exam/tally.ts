/**
 * The limits of one attempt, fed with judged calls in the order of the plan. Each limit stops counting at its decision,
 * so results that arrive later or in another order cannot change it. Source: docs/exam.md, Verdict.
 */
import type { GradeSpec } from '#contract/grades.ts'
import type { ExamLimitView } from '#contract/supplier.ts'

import { ERROR_MARK } from './judge-call.ts'
import type { Carried, RecordedItem } from './exam-types.ts'
import { limitState, limitView, type Limit, type LimitState } from './verdict.ts'

export const LIMIT = {
  intelligence: 'intelligence',
  ttft: 'time to first token',
  single: 'throughput single',
  slots: 'throughput at slots',
  full: 'context and output',
} as const
export const familyLimit = (family: string): string => `family ${family}`

/** Service limits are shares of calls inside the limit: 5 % outside is the floor, 2 % the target. */
const SERVICE_SHARE = { floor: 0.95, target: 0.98 } as const

interface Counted extends Limit {
  state: LimitState
}

export class Tally {
  readonly #spec: GradeSpec
  readonly #limits = new Map<string, Counted>()
  readonly #mirrorSlots: boolean
  /** Right and asked in the round that is not complete yet. */
  #round = { n: 0, k: 0 }
  #calls = 0
  #failed = 0

  constructor(spec: GradeSpec, slots: number, carried: Carried) {
    this.#spec = spec
    this.#mirrorSlots = slots === 1
    const add = (name: string, share: { floor: number; target: number }): void => {
      this.#limits.set(name, {
        name,
        floor: share.floor,
        target: share.target,
        n: carried[name]?.n ?? 0,
        k: carried[name]?.k ?? 0,
        state: 'undecided',
      })
    }
    add(LIMIT.intelligence, spec.limits.intelligence)
    for (const family of Object.keys(spec.limits.families).sort())
      add(familyLimit(family), spec.limits.families[family]!)
    for (const name of [LIMIT.ttft, LIMIT.single, LIMIT.slots, LIMIT.full]) add(name, SERVICE_SHARE)
  }

  /**
   * Counts a question; `endsRound` is null for an extra item of a family floor, which does not enter the level's count.
   */
  item(item: RecordedItem, family: string, endsRound: boolean | null): void {
    this.#call(item)
    this.#count(familyLimit(family), item.right ? 1 : 0, 1)
    if (endsRound === null) return
    this.#round = { n: this.#round.n + 1, k: this.#round.k + (item.right ? 1 : 0) }
    if (!endsRound) return
    this.#count(LIMIT.intelligence, this.#round.k, this.#round.n)
    this.#round = { n: 0, k: 0 }
  }

  load(item: RecordedItem): void {
    this.#call(item)
    const fast = item.right && item.tokPerS !== null && item.tokPerS >= this.#spec.limits.throughputFloorTokPerS ? 1 : 0
    this.#count(LIMIT.full, item.right ? 1 : 0, 1)
    if (item.phase === 'single') this.#count(LIMIT.single, fast, 1)
    if (item.phase === 'slots' || this.#mirrorSlots) this.#count(LIMIT.slots, fast, 1)
  }

  /** A family without a floor has no limit and is decided. */
  state(name: string): LimitState {
    return this.#limits.get(name)?.state ?? 'passed'
  }

  get anyNotReached(): boolean {
    return [...this.#limits.values()].some((limit) => limit.state === 'not-reached')
  }

  get allPassed(): boolean {
    return [...this.#limits.values()].every((limit) => limit.state === 'passed')
  }

  views(): ExamLimitView[] {
    return [...this.#limits.values()].map(({ state, ...limit }) => ({ ...limitView(limit, this.#limits.size), state }))
  }

  errorRate(): { calls: number; failed: number; ceiling: number; provisional: true } {
    return { calls: this.#calls, failed: this.#failed, ceiling: this.#spec.limits.errorRateCeiling, provisional: true }
  }

  #call(item: RecordedItem): void {
    this.#calls += 1
    if (item.reason.startsWith(ERROR_MARK)) this.#failed += 1
    this.#count(LIMIT.ttft, item.ttftMs !== null && item.ttftMs <= this.#spec.limits.ttftCeilingMs ? 1 : 0, 1)
  }

  #count(name: string, k: number, n: number): void {
    const limit = this.#limits.get(name)
    if (limit === undefined || limit.state !== 'undecided') return
    limit.k += k
    limit.n += n
    limit.state = limitState(limit, this.#limits.size)
  }
}
