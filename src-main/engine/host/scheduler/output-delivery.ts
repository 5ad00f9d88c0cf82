/** From sampled tokens to messages: text of running jobs, and the end of each job, exactly once. */
import { fail, type ErrorValue } from '#contract/errors.ts'
import type { FinishReason } from '#contract/inference.ts'

import type { EngineHostEvent } from '#engine/protocol.ts'
import { createDeltaOutbox, type DeltaOutbox } from './delta-outbox.ts'
import type { Sequence } from './sequence.ts'
import { stepFailure } from './step-failure.ts'
import type { SampledToken, Vocabulary } from './step-model.ts'
import type { StepPlan } from './step-plan.ts'
import type { TokenRate } from './token-rate.ts'

interface Ending {
  sequence: Sequence
  finish: FinishReason
}

export interface OutputDeliveryDeps {
  send: (event: EngineHostEvent) => void
  mono: () => number
  vocabulary: Vocabulary
  rate: TokenRate
  /** Called before the end of a job is sent. */
  release: (sequence: Sequence) => void
}

export class OutputDelivery {
  readonly #deps: OutputDeliveryDeps
  readonly #outbox: DeltaOutbox

  constructor(deps: OutputDeliveryDeps) {
    this.#deps = deps
    this.#outbox = createDeltaOutbox(deps.send)
  }

  /** What a step sampled; ends the jobs that are complete with it. */
  accept({ items, sequences }: StepPlan, sampled: readonly (SampledToken | null)[]): void {
    const endings: Ending[] = []
    for (const [at, item] of items.entries()) {
      const sequence = sequences[at]
      if (sequence === undefined || item.sampler === null || sequence.cancelled) continue
      try {
        const finish = this.#push(sequence, sampled[at] ?? null)
        if (finish !== null) endings.push({ sequence, finish })
      } catch (error) {
        this.fail(sequence, stepFailure('engine.stepReadOutput', error))
      }
    }
    this.#finish(endings)
  }

  /** Ends them as cancelled; those that are finished already are left out. */
  cancel(sequences: readonly Sequence[]): void {
    this.#finish(
      sequences.filter(({ finished }) => !finished).map((sequence) => ({ sequence, finish: 'cancelled' as const })),
    )
  }

  fail(sequence: Sequence, error: ErrorValue): void {
    this.#deps.release(sequence)
    this.#deps.send({ t: 'error', job: sequence.job.id, error })
  }

  /** Sends the text that is due at this time (monotonic ms). */
  flush(now: number): void {
    this.#outbox.flush(now)
  }

  /** One more token of a job's output. Returns how the job ends if it does, null when it goes on. */
  #push(sequence: Sequence, sampled: SampledToken | null): FinishReason | null {
    const { job, usage } = sequence
    // A finished grammar leaves the end token. Without any token left, a partial answer would pass for a whole one.
    if (sampled === null) throw fail('sampling.noToken')
    if (this.#deps.vocabulary.isEnd(sampled.token) && !job.ignoreEos) return 'stop'
    usage.generatedTokens += 1
    this.#deps.rate.add(1)
    const delta = job.output.push(sampled)
    this.#outbox.add(sequence, delta)
    if (delta.stopped) return 'stop'
    if (usage.generatedTokens >= job.maxTokens) return 'length'
    sequence.nextToken = sampled.token
    return null
  }

  /** Sends all text in one message, then the end of each job. */
  #finish(endings: readonly Ending[]): void {
    if (endings.length === 0) return
    const ends = endings.map(({ sequence, finish }) => {
      const end = finish === 'cancelled' ? null : sequence.job.output.end()
      if (end !== null) this.#outbox.add(sequence, end)
      return { sequence, finish, toolCalls: end?.toolCalls ?? [] }
    })
    const now = this.#deps.mono()
    this.#outbox.flush(now, true)
    for (const { sequence, finish, toolCalls } of ends) {
      this.#deps.release(sequence)
      const { job, usage, arrivedAt, firstTextAt } = sequence
      this.#deps.send({
        t: 'done',
        job: job.id,
        // With tool calls the answer is complete, wherever the tokens ended.
        finish: toolCalls.length > 0 ? 'stop' : finish,
        usage,
        ttftMs: (firstTextAt ?? now) - arrivedAt,
        durationMs: now - arrivedAt,
        ...(toolCalls.length > 0 ? { toolCalls } : {}),
      })
    }
  }
}
