/**
 * Whether a job may start: pure, so that every reason can be tested. A refused job costs nothing; one accepted and
 * failed costs reputation.
 */
import { inputTokens } from '#contract/bytes4.ts'
import { failValue, type ErrorValue } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import { MoneyRangeError, reserveOf, samePrice, type Price } from '#contract/money.ts'
import type { EngineSpeed } from '#core/engine/engine.port.ts'
import type { OfferedJob } from '#core/venues/index.ts'

import { streamRate } from './stream-rate.ts'

/** What this job would be served as. */
export interface Route {
  deploymentId: string
  sha256: string
  specVersion: number
  /** Prices we agreed to: the ask, and for a few seconds the one before it. Exam calls cost nothing. */
  prices: readonly Price[]
  /** Bounds of the grade in reference tokens; null for exam calls, which the exchange sizes itself. */
  bounds: { contextTokens: number; outputTokens: number } | null
  /**
   * Why no new job is taken though it is listed (paused, draining, the owner took the machine back); null when they
   * are.
   */
  closed: Reason | null
}

/** The deployment's engine at this moment. Tokens are the engine's own. */
export interface EngineLoad {
  /** Sequences at once, and the context of each. */
  slots: number
  contextTokens: number
  /** Bought jobs in it. */
  running: number
  /**
   * Exam calls in it: behind every job in its queue, so that they take none of the slots that are sold. One that has
   * begun is not stopped, though.
   */
  exams: number
  /** Tokens at most until a slot is free for one more job; 0 when one is. */
  waitTokens: number
  /** What the engine itself counts, the owner's own requests and exam calls included; a moment old. */
  engine: { running: number; queued: number }
  /** Measured lately; figures too old to refuse by are null. */
  speed: EngineSpeed
  /** Of what is evaluated before one more job's prompt: those of exam calls come after it. */
  waitingPromptTokens: number
  /** Engine prompt tokens for one reference token of input, by finished jobs; null before any. */
  promptRatio: number | null
}

export interface Facts {
  /** The exchange pays in the realm this ledger is of; a receipt of another could not be booked. */
  realmFits: boolean
  /** The venue pays the ask; otherwise by a rule of its own, which no job is refused for. */
  paysAsk: boolean
  /** null: nothing of this instrument is listed, or the exam is not ours. */
  route: Route | null
  /** The route's deployment; null when it is not in memory. */
  loaded: EngineLoad | null
  /** The engine comes back by itself after a crash; what is submitted meanwhile waits for it. */
  recovering: boolean
}

/** The ratio is an average and the engine knows better, so only a prompt that is clearly too long is refused by it. */
const CONTEXT_TOLERANCE = 0.8

/** Null when the job may start, else why not. */
export function refusal(job: OfferedJob, facts: Facts): ErrorValue | null {
  const { route, loaded } = facts
  const exam = job.examId !== undefined
  if (route === null) return exam ? failValue('job.examNotHere') : failValue('job.notListed')
  if (route.closed !== null) return failValue('job.notTaken', { reason: route.closed })
  if (!facts.realmFits) return failValue('job.otherRealm')
  if (facts.paysAsk && !route.prices.some((price) => samePrice(price, job.price))) return failValue('job.priceNotAsk')
  // An exam call is final, so it is not turned away for a crash that is over in a moment; its deadline is the
  // exchange's to keep.
  if (exam && loaded === null && facts.recovering) return null
  if (loaded === null) return failValue('job.modelNotLoaded')
  if (!covered(job)) return failValue('job.reserveTooSmall')
  if (route.bounds !== null) {
    if (job.request.maxTokens > route.bounds.outputTokens) return failValue('job.outputAboveGrade')
    if (inputTokens(job.request.messages) + job.request.maxTokens > route.bounds.contextTokens)
      return failValue('job.aboveGradeContext')
  }
  // Exam calls may wait in the engine's queue and be late: their number at once and their deadline are the exchange's
  // to judge.
  return exam ? null : room(job, loaded)
}

/** What the engine has no room or no time for. */
function room(job: OfferedJob, load: EngineLoad): ErrorValue | null {
  if (promptTokens(job, load) * CONTEXT_TOLERANCE + job.request.maxTokens > load.contextTokens)
    return failValue('job.aboveEngineContext')
  if (load.running >= load.slots) return failValue('job.slotsTaken')
  // Bought jobs never outnumber the slots and exam calls wait behind them, so what else waits is the owner's own use,
  // which goes first.
  const { running, queued } = load.engine
  if (queued > 0 && running >= load.slots && running + queued - load.exams > load.slots)
    return failValue('job.ownUseFirst')
  const finishMs = finishesInMs(job, load)
  return finishMs !== null && finishMs > job.deadlineMs
    ? failValue('job.tooSlow', { seconds: seconds(finishMs), deadline: seconds(job.deadlineMs) })
    : null
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

/** One for one before anything was measured. */
const promptTokens = ({ request }: OfferedJob, { promptRatio }: EngineLoad): number =>
  inputTokens(request.messages) * (promptRatio ?? 1)

/**
 * A call in the engine: reference tokens it may still give, and whether it is a job without text, which gets a slot
 * before one that comes now.
 */
export interface EngineCall {
  left: number
  waits: boolean
}

/** `EngineLoad.waitTokens`: the slot of the call that ends next, or of a later one when jobs wait already. */
export function waitTokens(calls: readonly EngineCall[], slots: number): number {
  if (calls.length < slots) return 0
  const before = Math.min(calls.filter(({ waits }) => waits).length, calls.length - slots)
  const ends = calls.map(({ left }) => left).sort((a, b) => a - b)
  return ends[before] ?? 0
}

/**
 * Milliseconds until the answer is whole at the measured rate, if it takes all of maxTokens: prompts before it and its
 * own at the engine's prompt rate, then the wait for a slot and maxTokens at what each of so many streams gets, as much
 * longer as streams wait for others' prompts now. Null when no stream was measured: the first job is what measures.
 */
export function finishesInMs(job: OfferedJob, load: EngineLoad): number | null {
  const streams = Math.min(load.slots, Math.max(load.running + load.exams, load.engine.running) + 1)
  const rate = streamRate(load.speed.perStream, streams)
  if (rate === null) return null
  const { promptTokensPerSecond, crowding = 1 } = load.speed
  const promptMs =
    promptTokensPerSecond === null
      ? 0
      : ((load.waitingPromptTokens + promptTokens(job, load)) / promptTokensPerSecond) * 1_000
  return promptMs + ((load.waitTokens + job.request.maxTokens) / rate) * Math.max(1, crowding) * 1_000
}

/** The reserve is the most that will be paid: all of the input and maxTokens, or the work could go unpaid. */
function covered({ request, price, reserveNano }: OfferedJob): boolean {
  try {
    return reserveOf(inputTokens(request.messages), request.maxTokens, price) <= reserveNano
  } catch (error) {
    if (error instanceof MoneyRangeError) return false
    throw error
  }
}
