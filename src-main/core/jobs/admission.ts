/** Whether a job may start: pure, so that every reason can be tested. A refused job costs nothing; one accepted and failed costs reputation. */
import { inputTokens } from '#contract/bytes4.ts'
import type { ErrorValue } from '#contract/errors.ts'
import { amountOf, MoneyRangeError } from '#contract/money.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'

export type JobFrame = Extract<ExchangeFrame, { t: 'job' }>

/** What this job would be served as. */
export interface Route {
  deploymentId: string
  sha256: string
  specVersion: number
  /** Prices we agreed to: the ask, and for a few seconds the one before it. Exam calls cost nothing. */
  prices: readonly number[]
  /** Bounds of the grade in reference tokens; null for exam calls, which the exchange sizes itself. */
  bounds: { contextTokens: number; outputTokens: number } | null
}

export interface Facts {
  /** The exchange pays in the realm this ledger is of; a receipt of another could not be booked. */
  realmFits: boolean
  /** null: nothing of this instrument is listed, or the exam is not ours. */
  route: Route | null
  /** The deployment the engine holds now. */
  loaded: { deploymentId: string; slots: number } | null
  running: number
  /** The engine comes back by itself after a crash; what is submitted meanwhile waits for it. */
  recovering: boolean
  /** Recent time to first token and reference tokens per second of one stream; null before anything was measured. */
  pace: { ttftMs: number; tokPerS: number } | null
}

const no = (code: ErrorValue['code'], message: string): ErrorValue => ({ code, message, data: {} })

/** Null when the job may start, else why not. */
export function refusal(job: JobFrame, facts: Facts): ErrorValue | null {
  const { route, loaded, pace } = facts
  const exam = job.examId !== undefined
  if (route === null) return exam ? no('NOT_FOUND', 'this exam is not running here') : no('CONFLICT', 'this instrument is not listed')
  if (!facts.realmFits) return no('CONFLICT', 'this exchange trades in another realm than this ledger is of')
  if (!route.prices.includes(job.priceNanoPerMtok)) return no('CONFLICT', 'the price is not the ask')
  // An exam call is final, so it is not turned away for a crash that is over in a moment; its deadline is the exchange's to keep.
  if (exam && loaded === null && facts.recovering) return null
  if (loaded === null || loaded.deploymentId !== route.deploymentId) return no('ENGINE_NOT_LOADED', 'the model is not loaded')
  if (!covered(job)) return no('CONFLICT', 'the reserve does not cover what the job can cost')
  if (route.bounds !== null) {
    if (job.request.maxTokens > route.bounds.outputTokens) return no('OUTPUT_TOO_LONG', 'max_tokens is above the grade’s output limit')
    if (inputTokens(job.request.messages) + job.request.maxTokens > route.bounds.contextTokens) return no('CONTEXT_TOO_LONG', 'prompt and max_tokens exceed the grade’s context')
  }
  // Exam calls may wait in the engine's queue: their number at once is the exchange's to judge.
  if (!exam && facts.running >= loaded.slots) return no('ENGINE_BUSY', 'every slot is taken')
  if (!exam && pace !== null && pace.ttftMs + (job.request.maxTokens / pace.tokPerS) * 1_000 > job.deadlineMs) return no('DEADLINE', 'the measured rate cannot meet the deadline')
  return null
}

/** The reserve is the most that will be paid: price × (input + maxTokens), or the work could go unpaid. */
function covered({ request, priceNanoPerMtok, reserveNano }: JobFrame): boolean {
  try {
    return amountOf(inputTokens(request.messages) + request.maxTokens, priceNanoPerMtok) <= reserveNano
  } catch (error) {
    if (error instanceof MoneyRangeError) return false
    throw error
  }
}
