/**
 * How many slots to offer: as many as the machine, measured, serves at the grade's speed. Pure. The exam's own count is
 * a bound of its own: the exchange takes no more. (An exam is asked for with all slots of the deployment, and its calls
 * run behind the jobs of the same engine, so one taken while selling may measure less than the machine can do.)
 */
import { because, type Reason } from '#contract/reasons.ts'
import type { GradeLimits } from '#contract/grades.ts'
import { MINUTE_MS, SECOND_MS } from '#contract/time.ts'
import type { EngineSpeed } from '#core/engine/engine.port.ts'
import { streamRate, type MeasuredServing, type Served } from '#core/jobs/index.ts'

type Limits = Pick<GradeLimits, 'throughputFloorTokPerS' | 'ttftCeilingMs'>

export interface CapacityFacts {
  /** Of the deployment. */
  slots: number
  /** So many at once the exam measured; null when unknown. */
  examSlots: number | null
  limits: Limits
  /** Moved within the last minutes. */
  speed: EngineSpeed
  /** Reference tokens for one engine token; null before any job, and then rates say nothing. */
  outputRatio: number | null
  /** Engine tokens of a usual prompt and of a usual answer; null before any job. */
  promptTokens: number | null
  generatedTokens: number | null
  /** A limit broken by real jobs not long ago. */
  bound: { slots: number; why: Reason } | null
}
export interface Capacity {
  slots: number
  /** Why fewer than all are offered; null when all are. */
  why: Reason | null
}

/** So much better than the grade's limit a figure must be. */
const MARGIN = 0.1
/** Share of calls that may miss a limit: the grade's own rule (contract/grades.ts). */
const MISSES = 0.05
const WINDOW_MIN = 20
const CHANGE_EVERY_MS = 30 * SECOND_MS
/** How long a limit broken by real jobs bounds the slots; then one more is tried again. */
const BOUND_MS = 10 * MINUTE_MS

const shown = (value: number): number => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value))
/** Meets the limit, without the margin. */
const spare = (meets: boolean): string => (meets ? 'yes' : 'no')

/**
 * Why so many at once would miss the grade's speed, by what was measured; null when they would not, or when nothing
 * says so.
 */
function tooMany(n: number, facts: CapacityFacts): Reason | null {
  const { limits, speed, outputRatio } = facts
  const engineRate = streamRate(speed.perStream, n)
  const rate = engineRate === null || outputRatio === null ? null : engineRate * outputRatio
  if (rate !== null && rate < limits.throughputFloorTokPerS * (1 + MARGIN))
    return because('capacity.rate', {
      streams: n,
      rate: shown(rate),
      floor: shown(limits.throughputFloorTokPerS),
      spare: spare(rate >= limits.throughputFloorTokPerS),
    })
  const ttftMs = firstTokenMs(n, facts, engineRate)
  if (ttftMs !== null && ttftMs > limits.ttftCeilingMs * (1 - MARGIN))
    return because('capacity.firstToken', {
      streams: n,
      seconds: shown(ttftMs / SECOND_MS),
      ceiling: shown(limits.ttftCeilingMs / SECOND_MS),
      spare: spare(ttftMs <= limits.ttftCeilingMs),
    })
  return null
}

/**
 * A usual prompt at the prompt rate, after those of the other jobs that are at their prompt too: each is for so much of
 * its time as a prompt takes of a usual job.
 */
function firstTokenMs(
  n: number,
  { speed, promptTokens, generatedTokens }: CapacityFacts,
  engineRate: number | null,
): number | null {
  if (speed.promptTokensPerSecond === null || promptTokens === null) return null
  const promptMs = (promptTokens / speed.promptTokensPerSecond) * SECOND_MS
  const answerMs = engineRate === null || generatedTokens === null ? 0 : (generatedTokens / engineRate) * SECOND_MS
  return promptMs * (1 + ((n - 1) * promptMs) / (promptMs + answerMs || 1))
}

/** The most slots that meet the grade, at least one: an offer has one, and without jobs nothing would be measured. */
export function capacityOf(facts: CapacityFacts): Capacity {
  const { slots, examSlots, bound } = facts
  let best: Capacity = { slots, why: null }
  const lower = (to: number, why: Reason): void => {
    if (to < best.slots) best = { slots: Math.max(1, to), why }
  }
  if (examSlots !== null) lower(examSlots, because('capacity.exam', { measured: examSlots }))
  if (bound !== null) lower(bound.slots, bound.why)
  for (let n = best.slots; n >= 1; n -= 1) {
    const why = tooMany(n, facts)
    if (why === null) break
    best = { slots: Math.max(1, n - 1), why }
  }
  return best.why === null
    ? best
    : { slots: best.slots, why: because('capacity.some', { slots: best.slots, of: slots, why: best.why }) }
}

/**
 * What the last jobs missed more often than the grade allows; null when nothing, or when there are too
 * few of them to say.
 */
export function brokenLimit(window: readonly Served[], limits: Limits): Reason | null {
  const late = window.filter(({ ttftMs }) => ttftMs > limits.ttftCeilingMs).length
  if (window.length >= WINDOW_MIN && late / window.length > MISSES)
    return because('capacity.late', { late, jobs: window.length, seconds: shown(limits.ttftCeilingMs / SECOND_MS) })
  const rates = window.flatMap(({ tokPerS }) => (tokPerS === null ? [] : [tokPerS]))
  const slow = rates.filter((rate) => rate < limits.throughputFloorTokPerS).length
  if (rates.length >= WINDOW_MIN && slow / rates.length > MISSES)
    return because('capacity.slow', { slow, jobs: rates.length, rate: shown(limits.throughputFloorTokPerS) })
  return null
}

/** What one listing offers now, and when it changed last (monotonic). */
export interface Offered extends Capacity {
  changedAt: number
  /** Jobs before this are not judged again. */
  judgedFrom: number
  bound: { slots: number; why: Reason; until: number } | null
}

export interface CapacityInput {
  slots: number
  examSlots: number | null
  limits: Limits
  measured: MeasuredServing | null
}

/**
 * The first offer, or the next one after `before`: a change at most every 30 s, and at once only downwards after jobs
 * broke a limit.
 */
export function nextOffer(before: Offered | null, input: CapacityInput, mono: number): Offered {
  const { slots, examSlots, limits, measured } = input
  const broken = before === null || measured === null ? null : brokenLimit(measured.window, limits)
  const bound =
    before !== null && broken !== null
      ? { slots: Math.max(1, before.slots - 1), why: broken, until: mono + BOUND_MS }
      : (before?.bound ?? null)
  const holds = bound !== null && bound.until > mono ? bound : null
  const target = capacityOf({
    slots,
    examSlots,
    limits,
    speed: measured?.speed ?? { promptTokensPerSecond: null, perStream: [] },
    outputRatio: measured?.outputRatio ?? null,
    promptTokens: measured?.promptTokens ?? null,
    generatedTokens: measured?.generatedTokens ?? null,
    bound: holds,
  })
  if (before === null) return { ...target, changedAt: mono, judgedFrom: mono, bound: null }
  const judgedFrom = broken === null ? before.judgedFrom : mono
  const possible = before.slots <= slots && before.slots <= (examSlots ?? slots)
  const now =
    !possible || mono - before.changedAt >= CHANGE_EVERY_MS || (broken !== null && target.slots < before.slots)
  // One more at a time on the way up: each number is measured before the next.
  const next = target.slots > before.slots && before.why !== null ? { ...target, slots: before.slots + 1 } : target
  // The first figure that says why stays: a text that changes with every measurement would be a change of the listing
  // every few seconds.
  if (next.slots === before.slots)
    return {
      ...before,
      why: before.why === null || target.why === null ? target.why : before.why,
      judgedFrom,
      bound: holds,
    }
  if (!now) return { ...before, judgedFrom, bound: holds }
  return {
    ...next,
    why:
      next.slots === target.slots
        ? target.why
        : because('capacity.some', { slots: next.slots, of: slots, why: because('capacity.oneMore') }),
    changedAt: mono,
    judgedFrom,
    bound: holds,
  }
}
