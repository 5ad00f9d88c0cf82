/**
 * What one step evaluates: a token of every stream, and pieces of prompts within the budget; in ascending slots, which
 * the engine runs as one graph. Prompts share the budget by class, and within a class the one that is soonest read goes
 * first; every fourth step the oldest of all goes first, so that a long prompt and one of a low class get on whatever
 * arrives.
 */
import { STEP_PROMPT_TOKENS } from '#engine/protocol.ts'
import type { Order } from './job-order.ts'
import { promptLeft, type Placed } from './sequence.ts'
import type { StepItem } from './step-model.ts'

export interface Plan {
  /** Items and the jobs they belong to, index by index. */
  items: StepItem[]
  jobs: Placed[]
  decodes: number
  promptTokens: number
}

const OLDEST_EVERY = 4
/** A smaller piece beside another is not worth its run of the graph. */
const PIECE_MIN = 8
/**
 * A prompt that is so near to its end is read to the end: its last tokens alone would cost another pass over the
 * weights.
 */
const WHOLE_UP_TO = 1.5

export interface PlanOptions {
  order: Order
  now: number
  /** Prompt tokens for a step of so many decodes and prompts. */
  budget: (decoding: number, reading: number) => number
  /** Of a step in all, which no rounding up may pass. */
  batchTokens: number
  /** False for runs that must repeat themselves exactly: their prompts are cut at fixed places. */
  adaptive: boolean
  /** Number of this step. */
  turn: number
}

/** `most`: of each. */
function shareOut(
  readers: Placed[],
  { budget, most }: { budget: number; most: number },
  { order, now, turn, batchTokens, adaptive }: PlanOptions,
): void {
  if (readers.length > 1) {
    const oldestFirst = turn % OLDEST_EVERY === OLDEST_EVERY - 1
    const ranks = new Map(readers.map((placed) => [placed, oldestFirst ? 0 : order.rank(placed, now)]))
    const key = (placed: Placed): number => (oldestFirst ? placed.arrival : promptLeft(placed))
    readers.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0) || key(a) - key(b) || a.arrival - b.arrival)
  }
  // Pieces of one length make one run of the graph.
  const pieces = Math.min(readers.length, Math.ceil(budget / most))
  const piece = Math.min(most, Math.ceil(budget / pieces))
  let left = budget
  for (const placed of readers) {
    const whole = promptLeft(placed)
    const room = Math.min(left, piece)
    const share =
      adaptive && whole <= Math.min(WHOLE_UP_TO * room, most, batchTokens - (budget - left))
        ? whole
        : Math.min(room, whole)
    placed.share = share < PIECE_MIN && share < whole && left < budget ? 0 : share
    left = Math.max(0, left - placed.share)
  }
}

export function planStep(bySlot: readonly (Placed | null)[], options: PlanOptions): Plan {
  const readers: Placed[] = []
  let decodes = 0
  for (const placed of bySlot) {
    if (placed === null) continue
    if (placed.next !== null) decodes += 1
    else if (placed.leader === null) readers.push(placed)
    placed.share = 0
  }
  if (readers.length > 0) {
    const alone = options.adaptive && decodes === 0 && readers.length === 1
    shareOut(
      readers,
      { budget: options.budget(decodes, readers.length), most: alone ? options.batchTokens : STEP_PROMPT_TOKENS },
      options,
    )
  }

  const plan: Plan = { items: [], jobs: [], decodes, promptTokens: 0 }
  for (const placed of bySlot) {
    if (placed === null) continue
    const { job, slot, held, next, share } = placed
    if (next !== null) plan.items.push({ slot, position: held, tokens: [next], sampler: job.sampler })
    else if (share > 0) {
      const end = held + share
      plan.items.push({
        slot,
        position: held,
        tokens: job.prompt.slice(held, end),
        sampler: end === job.prompt.length ? job.sampler : null,
      })
      plan.promptTokens += share
    } else continue
    plan.jobs.push(placed)
  }
  return plan
}
