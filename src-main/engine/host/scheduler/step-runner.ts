/**
 * Plans one step and runs it on the model: threads by the governor, chunk sizes by the measured speed, and the measuring
 * itself.
 */
import { prefillBudget } from './prefill-budget.ts'
import type { Governor } from '../processor/governor.ts'
import type { JobOrder } from './job-order.ts'
import type { Sequence } from './sequence.ts'
import type { SpeedMeter } from './speed-meter.ts'
import type { SampledToken, StepModel } from './step-model.ts'
import { planStep, type StepPlan } from './step-plan.ts'

export interface StepRunnerDeps {
  model: StepModel
  governor: Governor
  order: JobOrder
  speed: SpeedMeter
  mono: () => number
}

export class StepRunner {
  readonly #deps: StepRunnerDeps
  #steps = 0
  #threads = 0
  #promptTokens = 0

  constructor(deps: StepRunnerDeps) {
    this.#deps = deps
  }

  /** Of the last step; before the first one, those that it would get. */
  get threads(): number {
    return this.#threads || this.#deps.governor.next()
  }

  /** Prompt tokens evaluated so far. */
  get promptTokens(): number {
    return this.#promptTokens
  }

  plan(bySlot: readonly (Sequence | null)[], now: number): StepPlan {
    const { batchTokens, prefixReuse: adaptive } = this.#deps.model
    const { order, speed } = this.#deps
    return planStep(bySlot, {
      order,
      now,
      turn: (this.#steps += 1),
      batchTokens,
      adaptive,
      budget: (decoding, prefilling) => prefillBudget({ decoding, prefilling, speed, batchTokens, adaptive }),
    })
  }

  /** The sampled tokens, item by item, and when the step ended (monotonic ms). Errors: what the model throws. */
  async run({
    items,
    decodes,
    promptTokens,
  }: StepPlan): Promise<{ sampled: (SampledToken | null)[]; endedAt: number }> {
    const { model, governor, speed, mono } = this.#deps
    const tokens = decodes + promptTokens
    const threads = governor.next(tokens)
    if (threads !== this.#threads) model.setThreads(threads)
    this.#threads = threads
    const startedAt = mono()
    const sampled = await model.step(items)
    const endedAt = mono()
    governor.took({ threads, tokens, ms: endedAt - startedAt })
    if (promptTokens > 0) speed.prefilled(promptTokens, decodes, endedAt - startedAt)
    this.#promptTokens += promptTokens
    return { sampled, endedAt }
  }

  /** A whole turn of the loop around the step, sending included: the time in which each stream got its token. */
  turned({ decodes, promptTokens, sequences }: StepPlan, ms: number): void {
    const { speed } = this.#deps
    if (decodes === 0) return
    if (promptTokens === 0) speed.decoded(decodes, ms)
    // Exams rank behind every job: the time that their prefills take from streams now must not keep jobs away.
    if (promptTokens === 0 || sequences.some(({ prefillTokens, priority }) => prefillTokens > 0 && priority !== 'exam'))
      speed.waited(decodes, ms)
  }
}
