/**
 * How many threads the next step gets: asked before every step, told its time after it. All cores while they are free.
 * The threads of a step wait for each other, so one that another program keeps off its core stalls them all. The
 * governor then takes fewer at once, and tries more again later.
 */
import type { BusyWatch } from './busy-watch.ts'
import { StepCosts, type Stall, type StepCost } from './governor-costs.ts'
import { createLearner, type Learner } from './governor-learn.ts'
import { createStalls, type Stalls } from './governor-stalls.ts'
import { createTrial, type Trial } from './governor-trial.ts'

export interface Governor {
  /** At least 1. `tokens` of the step's batch, if already known; as many as in the last step otherwise. */
  next(tokens?: number): number
  took(cost: StepCost): void
  /** Most threads from now on: this process's share. */
  setLimit(threads: number): void
}

/** Always the limit. */
export function fixedGovernor(limit: number): Governor {
  let threads = limit
  return { next: () => threads, took: () => undefined, setLimit: (most) => void (threads = Math.max(1, most)) }
}

interface GovernorDeps {
  limit: number
  /** Cores this process may use at all. */
  cores: number
  /**
   * Processors that it may run on: more than `cores` where a control group grants a share of many. The load of other
   * programs is measured on these. `cores` by default.
   */
  processors?: number
  mono: () => number
  watch: BusyWatch
}

const LOOK_MS = 60
/** Other programs may use this much of a core before it counts as theirs. */
const MARGIN = 0.6
/** Up to this much, a trial may show that the core is worth using all the same. */
const MARGIN_TRIED = 0.9
const QUIET_MS = 400
const BACKOFF_MIN_MS = 1_000
const BACKOFF_MAX_MS = 8_000
/** A stall this soon after threads were added was caused by adding them. */
const CAUSED_MS = 3_000
const AGAIN_MS = 2_000
const TRIAL_AGE_MS = 2_000

/** Class of a batch for comparing thread counts: one stream, few, some, many, and prefills. */
const groupOf = (tokens: number): number => (tokens <= 1 ? 0 : tokens < 4 ? 1 : tokens < 8 ? 2 : tokens < 48 ? 3 : 4)

/** A raise is tried with steps of any class: each is compared with its own kind. */
const concerns = (trial: Trial, group: number): boolean => trial.kind === 'raise' || trial.group === group

class StepGovernor implements Governor {
  readonly #deps: GovernorDeps
  readonly #costs = new StepCosts()
  readonly #learner: Learner = createLearner()
  readonly #stalls: Stalls
  #limit: number
  /** Threads that may be used without a trial. */
  #cap: number
  /** A trial found the cap good although others use a part of its cores. */
  #proven = false
  #tokens = 1
  #trial: Trial | null = null
  /** Since when there has been room for more threads; null while there is none. */
  #roomSince: number | null = null
  /** Cores that other programs leave free. */
  #free: number
  /** No raise is tried before this time. */
  #hold = Number.NEGATIVE_INFINITY
  #backoffMs = BACKOFF_MIN_MS
  #raisedAt = Number.NEGATIVE_INFINITY
  /** Threads before the last raise, and what the raise has saved since, its stalls included. */
  #raisedFrom = 1
  #savedMs = 0
  /** Threads of the last raise that failed; the next one goes half as far. */
  #failedAt: number | null = null
  /** Time of the last look that was taken into account. */
  #seenAt = Number.NEGATIVE_INFINITY
  #stalledAt = Number.NEGATIVE_INFINITY
  /** End of the last step. */
  #tookAt = Number.NEGATIVE_INFINITY
  #cut = 1

  constructor(deps: GovernorDeps) {
    this.#deps = deps
    this.#stalls = createStalls(this.#costs, deps)
    this.#limit = Math.max(1, deps.limit)
    this.#free = deps.cores
    this.#cap = this.#fits(MARGIN)
  }

  next(tokens = this.#tokens): number {
    if (this.#limit === 1) return 1
    this.#tokens = tokens
    const now = this.#deps.mono()
    this.#observe(now, LOOK_MS)
    const group = groupOf(tokens)
    if (this.#trial !== null && now - this.#trial.startedAt > TRIAL_AGE_MS && this.#trial.group !== group)
      this.#trial = null
    this.#trial ??= this.#raise(now, group) ?? this.#learn(now, group)
    return this.#trial !== null && concerns(this.#trial, group) ? this.#trial.threads : this.#wanted(group)
  }

  took(cost: StepCost): void {
    if (this.#limit === 1) return
    const now = this.#deps.mono()
    this.#tookAt = now
    const stall = this.#costs.add(cost)
    const group = groupOf(cost.tokens)
    this.#learner.stepped(group)
    if (cost.threads > this.#raisedFrom)
      this.#savedMs += (this.#costs.typical(this.#raisedFrom, cost.tokens) ?? cost.ms) - cost.ms
    const trial = this.#trial
    if (trial !== null && trial.threads === cost.threads && concerns(trial, group)) this.#tried(trial, cost, stall, now)
    else if (cost.threads > 1 && cost.threads <= this.#cap) {
      const verdict = this.#stalls.judge(stall, cost, group)
      if (verdict === 'crowded') this.#stalled(cost.threads, now)
      else if (verdict === 'costly') {
        this.#learner.costly(group, cost.threads)
        this.#stalls.clear()
      }
    }
  }

  setLimit(threads: number): void {
    const full = this.#cap === this.#limit
    this.#limit = Math.max(1, threads)
    this.#trial = null
    // Threads that another engine process gave up are used at once where other programs leave them free.
    this.#cap = full ? this.#fits(MARGIN) : Math.min(this.#cap, this.#limit)
  }

  /** The cap, or fewer where fewer were seen to be faster. */
  #wanted(group: number): number {
    return Math.min(this.#cap, this.#learner.preferred(group) ?? this.#limit)
  }

  /** Threads for which there is room, if other programs may take `margin` of a core. */
  #fits(margin: number): number {
    return Math.max(1, Math.min(this.#limit, Math.floor(this.#free + margin)))
  }

  /** Looks at the load of other programs; lowers the cap at once, and notes when there is room for more. */
  #observe(now: number, minAgeMs: number): void {
    const busy = this.#deps.watch.look(minAgeMs)
    if (busy.at === this.#seenAt) return
    this.#seenAt = busy.at
    const { cores, processors = cores } = this.#deps
    this.#free = Math.min(cores, processors - busy.others)
    const sure = this.#fits(MARGIN)
    // The average over a pause says nothing about the load now: the next look, or a slow step, tells within a tenth of a
    // second. A step of seconds is no pause.
    const paused = busy.gapMs > 0 && now - this.#tookAt > busy.gapMs / 2
    if (!paused && (this.#cap > this.#fits(MARGIN_TRIED) || (this.#cap > sure && !this.#proven))) this.#lower(sure)
    if (this.#fits(MARGIN_TRIED) <= this.#cap) this.#roomSince = null
    else this.#roomSince ??= now
    // Nothing of ours ran meanwhile: a quiet pause proves as much as a quiet second.
    if (paused && now >= this.#hold && sure > this.#cap) {
      this.#cap = sure
      this.#costs.forgive(sure)
      this.#roomSince = null
    }
  }

  #lower(threads: number): void {
    this.#cap = threads
    this.#proven = false
    this.#failedAt = null
    if (this.#trial !== null && Math.max(this.#trial.base, this.#trial.threads) > threads) this.#trial = null
  }

  /** A trial with more threads, after a quiet second and the back-off. */
  #raise(now: number, group: number): Trial | null {
    if (
      this.#roomSince === null ||
      now - this.#roomSince < QUIET_MS ||
      now < this.#hold ||
      this.#wanted(group) < this.#cap
    )
      return null
    const target = Math.min(this.#fits(MARGIN_TRIED), this.#learner.preferred(group) ?? this.#limit)
    if (target <= this.#cap) return null
    const threads =
      this.#failedAt !== null && this.#failedAt <= target
        ? Math.max(this.#cap + 1, Math.floor((this.#cap + this.#failedAt) / 2))
        : target
    return createTrial({ kind: 'raise', threads, base: this.#cap, group, startedAt: now })
  }

  #learn(now: number, group: number): Trial | null {
    if (now - this.#stalledAt < QUIET_MS) return null
    const base = this.#wanted(group)
    const threads = this.#learner.candidate(group, base, this.#cap)
    return threads === null ? null : createTrial({ kind: 'learn', threads, base, group, startedAt: now })
  }

  #tried(trial: Trial, { tokens, ms }: StepCost, stall: Stall, now: number): void {
    const usual =
      this.#costs.typical(trial.base, tokens) ??
      (trial.kind === 'raise' ? this.#costs.expected(trial.base, tokens) : null)
    const result = trial.took(ms, usual, stall === 'severe')
    if (result === 'going') return
    this.#trial = null
    if (trial.kind === 'learn')
      this.#learner.learned(trial.group, result === 'better' ? trial.threads : null, this.#cap)
    else if (result === 'better') {
      this.#cap = trial.threads
      this.#costs.forgive(trial.threads)
      this.#proven = true
      this.#raisedAt = now
      this.#raisedFrom = trial.base
      this.#savedMs = 0
      this.#failedAt = null
      this.#roomSince = this.#fits(MARGIN_TRIED) > this.#cap ? now : null
    } else {
      this.#failedAt = trial.threads
      this.#backOff(now)
    }
  }

  #backOff(now: number): void {
    this.#hold = now + this.#backoffMs
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2)
  }

  /** Fewer threads at once: as others leave free if that explains the stall, else one fewer, and twice as many fewer the next time. */
  #stalled(threads: number, now: number): void {
    const before = this.#cap
    this.#observe(now, 0)
    this.#cut = now - this.#stalledAt < AGAIN_MS ? this.#cut * 2 : 1
    if (this.#cap >= threads) this.#lower(Math.max(1, threads - this.#cut))
    this.#trial = null
    this.#roomSince = this.#fits(MARGIN_TRIED) > this.#cap ? now : null
    // A raise that saved more time than this stall cost was right.
    if (this.#savedMs > 0 || now - this.#raisedAt >= Math.max(CAUSED_MS, this.#backoffMs * 2))
      this.#backoffMs = BACKOFF_MIN_MS
    if (this.#cap < before) this.#backOff(now)
    this.#stalledAt = now
    this.#stalls.clear()
  }
}

/** Never below 1 and never above the limit. */
export const createGovernor = (deps: GovernorDeps): Governor => new StepGovernor(deps)
