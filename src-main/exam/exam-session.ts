/**
 * One exam attempt as a pure state machine: it says which calls to send, judges what comes back, and decides. The same
 * inputs give the same verdict, whatever the order of arrival: results are counted in the order of the plan. Used by
 * the exchange (witnessed) and by the core (self).
 */
import { fail } from '#contract/errors.ts'

import { examCall, placeId, type Place } from './exam-calls.ts'
import { SEED_PATTERN } from './generate-items.ts'
import { judgeCall } from './judge-call.ts'
import { ExamPlan } from './exam-plan.ts'
import { Tally } from './tally.ts'
import type {
  CallResult,
  ExamCall,
  ExamSession,
  ExamSessionOptions,
  ExamSessionState,
  RecordedItem,
  ExamVerdict,
} from './exam-types.ts'

const SLOTS_MAX = 1_024

class Session implements ExamSession {
  readonly #options: ExamSessionOptions
  readonly #plan: ExamPlan
  readonly #tally: Tally
  readonly #prior: ReadonlyMap<string, RecordedItem>
  readonly #places = new Map<string, Place>()
  readonly #results = new Map<string, RecordedItem>()
  /** Call ids in the order of the plan; the first `#folded` are counted. */
  readonly #order: string[] = []
  #folded = 0
  #exhausted = false
  #ready: ExamCall[] = []

  constructor(options: ExamSessionOptions) {
    this.#options = options
    this.#plan = new ExamPlan(options.slots)
    this.#tally = new Tally(options.spec, options.slots, options.carried ?? {})
    this.#prior = new Map((options.resumeFrom ?? []).map((item) => [item.itemId, item]))
    this.#advance()
  }

  next(): ExamCall[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  record(result: CallResult): RecordedItem {
    const place = this.#places.get(result.callId)
    if (place === undefined)
      throw fail(
        'exam.callUnknown',
        {},
        {
          data: { callId: result.callId.slice(0, 64) },
        },
      )
    const known = this.#results.get(result.callId)
    if (known !== undefined) return known
    const item = judgeCall(this.#options.spec, this.#options.seed, place, result)
    this.#results.set(item.itemId, item)
    this.#fold()
    this.#advance()
    return item
  }

  state(): ExamSessionState {
    const verdict = this.#verdict()
    const inFlight = this.#order.length - this.#folded
    return {
      phase: this.#plan.phase,
      done: this.#folded,
      atMost: this.#folded + (verdict === null ? inFlight + this.#plan.remaining(this.#tally) : 0),
      limits: this.#tally.views(),
      errorRate: this.#tally.errorRate(),
      verdict,
    }
  }

  counted(): RecordedItem[] {
    return this.#order.slice(0, this.#folded).map((id) => this.#results.get(id)!)
  }

  #verdict(): ExamVerdict | null {
    if (this.#tally.anyNotReached) return 'not-reached'
    if (this.#tally.allPassed) return 'passed'
    return this.#exhausted ? 'undecided' : null
  }

  /** Counts results as far as the plan's order has no gap, and stops at the verdict. */
  #fold(): void {
    for (; this.#folded < this.#order.length && this.#verdict() === null; this.#folded += 1) {
      const id = this.#order[this.#folded]!
      const item = this.#results.get(id)
      if (item === undefined) return
      const place = this.#places.get(id)!
      if (place.phase === 'items') this.#tally.item(item, place.family, ExamPlan.endsRound(place))
      else this.#tally.load(item)
    }
  }

  /**
   * Hands out calls until the plan must wait; calls that an earlier, interrupted attempt has answered are counted
   * instead. Bounded by the plan.
   */
  #advance(): void {
    while (this.#verdict() === null && !this.#plan.mustWait(this.#order.length - this.#results.size)) {
      const step = this.#plan.step(this.#tally)
      if (step.kind === 'next-phase') this.#plan.nextPhase()
      else if (step.kind === 'exhausted') {
        // Results in flight may still decide; with none the attempt is over.
        this.#exhausted = this.#order.length === this.#folded
        return
      } else this.#handOut(step.place)
    }
    if (this.#verdict() !== null) this.#ready = []
  }

  #handOut(place: Place): void {
    const { spec, seed } = this.#options
    const id = placeId(spec.level, place)
    this.#places.set(id, place)
    this.#order.push(id)
    const prior = this.#prior.get(id)
    if (prior === undefined) this.#ready.push(examCall(spec, seed, place))
    else {
      this.#results.set(id, prior)
      this.#fold()
    }
  }
}

/** One attempt. Throws RangeError for a malformed seed, or slots outside 1..1024. */
export function createExamSession(options: ExamSessionOptions): ExamSession {
  if (!SEED_PATTERN.test(options.seed)) throw new RangeError('a seed is 1 to 64 of A-Z a-z 0-9 . _ -')
  if (!Number.isSafeInteger(options.slots) || options.slots < 1 || options.slots > SLOTS_MAX)
    throw new RangeError('slots are 1 to 1024')
  return new Session(options)
}
