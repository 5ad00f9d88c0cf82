/**
 * What one step evaluates: one token of every decoding stream, and prefill chunks within the budget; in ascending
 * slots, which llama.cpp then runs as one graph. Prefills share the budget by class, and within a class the one with
 * the fewest prompt tokens left goes first; every fourth step the oldest of all goes first, so that long prompts and
 * low classes make progress whatever arrives.
 */
import { STEP_PROMPT_TOKENS } from '#engine/protocol.ts'
import type { JobOrder } from './job-order.ts'
import { promptTokensLeft, type Sequence } from './sequence.ts'
import type { StepItem } from './step-model.ts'

export interface StepPlan {
  /** Items and the sequences they belong to, index by index. */
  items: StepItem[]
  sequences: Sequence[]
  decodes: number
  promptTokens: number
}

const OLDEST_EVERY = 4
/** A smaller chunk beside another one is not worth its share of the graph. */
const CHUNK_MIN = 8
/** A prefill this near to its end goes to the end: its last tokens alone would cost another pass over the weights. */
const WHOLE_UP_TO = 1.5

export interface StepPlanOptions {
  order: JobOrder
  now: number
  /** Prompt tokens of a step with so many decodes and prefills. */
  budget: (decoding: number, prefilling: number) => number
  /** Prompt tokens of a step in all, which no rounding up may exceed. */
  batchTokens: number
  /** False for reproducible runs: their prompts are cut at fixed positions. */
  adaptive: boolean
  /** Number of this step. */
  turn: number
}

/** Sets `prefillTokens` of each; `most` bounds each of them. */
function shareBudget(
  prefilling: Sequence[],
  { budget, most }: { budget: number; most: number },
  { order, now, turn, batchTokens, adaptive }: StepPlanOptions,
): void {
  if (prefilling.length > 1) {
    const oldestFirst = turn % OLDEST_EVERY === OLDEST_EVERY - 1
    const ranks = new Map(prefilling.map((sequence) => [sequence, oldestFirst ? 0 : order.rank(sequence, now)]))
    const key = (sequence: Sequence): number => (oldestFirst ? sequence.arrival : promptTokensLeft(sequence))
    prefilling.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0) || key(a) - key(b) || a.arrival - b.arrival)
  }
  // Chunks of equal length make one run of the graph.
  const chunks = Math.min(prefilling.length, Math.ceil(budget / most))
  const chunk = Math.min(most, Math.ceil(budget / chunks))
  let left = budget
  for (const sequence of prefilling) {
    const whole = promptTokensLeft(sequence)
    const limit = Math.min(left, chunk)
    const tokens =
      adaptive && whole <= Math.min(WHOLE_UP_TO * limit, most, batchTokens - (budget - left))
        ? whole
        : Math.min(limit, whole)
    sequence.prefillTokens = tokens < CHUNK_MIN && tokens < whole && left < budget ? 0 : tokens
    left = Math.max(0, left - sequence.prefillTokens)
  }
}

export function planStep(bySlot: readonly (Sequence | null)[], options: StepPlanOptions): StepPlan {
  const prefilling: Sequence[] = []
  let decodes = 0
  for (const sequence of bySlot) {
    if (sequence === null) continue
    if (sequence.nextToken !== null) decodes += 1
    else if (sequence.leader === null) prefilling.push(sequence)
    sequence.prefillTokens = 0
  }
  if (prefilling.length > 0) {
    const alone = options.adaptive && decodes === 0 && prefilling.length === 1
    shareBudget(
      prefilling,
      { budget: options.budget(decodes, prefilling.length), most: alone ? options.batchTokens : STEP_PROMPT_TOKENS },
      options,
    )
  }

  const plan: StepPlan = { items: [], sequences: [], decodes, promptTokens: 0 }
  for (const sequence of bySlot) {
    if (sequence === null) continue
    const { job, slot, kvTokens, nextToken, prefillTokens } = sequence
    if (nextToken !== null) plan.items.push({ slot, position: kvTokens, tokens: [nextToken], sampler: job.sampler })
    else if (prefillTokens > 0) {
      const end = kvTokens + prefillTokens
      plan.items.push({
        slot,
        position: kvTokens,
        tokens: job.prompt.slice(kvTokens, end),
        sampler: end === job.prompt.length ? job.sampler : null,
      })
      plan.promptTokens += prefillTokens
    } else continue
    plan.sequences.push(sequence)
  }
  return plan
}
