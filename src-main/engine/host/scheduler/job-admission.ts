/**
 * Jobs from their submission to their slot: refused or taken, prepared beside the steps (template, tokens, sampler), and
 * waiting until the scheduler gives them a slot. Also the register of all jobs in the engine, by id.
 */
import { failValue, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EnginePriority } from '#core/engine/engine.port.ts'

import { QUEUE_MAX } from '#engine/protocol.ts'
import { prepareJob, type EngineJob } from './engine-job.ts'
import type { OpenTemplate } from '../template/template-thread.ts'
import { createSequence, type Arrival, type Sequence } from './sequence.ts'
import type { StepModel } from './step-model.ts'

export interface JobOptions {
  priority: EnginePriority
  /** Milliseconds from now on; null for none. */
  deadlineMs: number | null
}

export interface JobAdmissionDeps {
  model: StepModel
  mono: () => number
  randomSeed: () => number
  openTemplate?: OpenTemplate
  sendError: (job: string, error: ErrorValue) => void
  /** A job waits for a slot, or one is to be cancelled. */
  onWork: () => void
}

export class JobAdmission {
  readonly #deps: JobAdmissionDeps
  /** Every job in the engine by its id; null while it is being prepared. */
  readonly #known = new Map<string, Sequence | null>()
  readonly #cancelledEarly = new Set<string>()
  readonly #waiting = new Set<Sequence>()
  readonly #preparing = new Set<Promise<void>>()
  /** Cancelled since the last step. */
  #cancels: Sequence[] = []
  #arrivals = 0
  #stopped: ErrorValue | null = null

  constructor(deps: JobAdmissionDeps) {
    this.#deps = deps
  }

  /** Jobs in the engine, whatever they do. */
  get size(): number {
    return this.#known.size
  }

  /** Prepared jobs without a slot. */
  get waiting(): ReadonlySet<Sequence> {
    return this.#waiting
  }

  get hasWork(): boolean {
    return this.#waiting.size > 0 || this.#cancels.length > 0
  }

  submit(id: string, request: EngineRequest, options: JobOptions): void {
    const refusal = this.#refusal(id)
    if (refusal !== null) {
      this.#deps.sendError(id, refusal)
      return
    }
    const arrivedAt = this.#deps.mono()
    this.#known.set(id, null)
    const deadlineAt = options.deadlineMs === null ? null : arrivedAt + options.deadlineMs
    const arrival = (this.#arrivals += 1)
    const prepared = this.#prepare(id, request, {
      priority: options.priority,
      arrival,
      arrivedAt,
      deadlineAt,
    }).finally(() => this.#preparing.delete(prepared))
    this.#preparing.add(prepared)
  }

  /** Unknown ids are ignored. */
  cancel(id: string): void {
    const sequence = this.#known.get(id)
    if (sequence === undefined) return
    if (sequence === null) this.#cancelledEarly.add(id)
    else if (!sequence.cancelled) {
      sequence.cancelled = true
      this.#cancels.push(sequence)
      this.#deps.onWork()
    }
  }

  /** The jobs cancelled since the last call. */
  takeCancels(): readonly Sequence[] {
    const cancels = this.#cancels
    if (cancels.length > 0) this.#cancels = []
    return cancels
  }

  /** It gets a slot now. */
  admit(sequence: Sequence): void {
    this.#waiting.delete(sequence)
  }

  /** It is finished. */
  remove(sequence: Sequence): void {
    this.#known.delete(sequence.job.id)
    this.#waiting.delete(sequence)
  }

  /** No job is taken from now on, for this reason. */
  close(reason: ErrorValue): void {
    this.#stopped = reason
  }

  /** After `close`: waits for the preparations under way, which use the model, and returns what is left. */
  async drain(): Promise<[id: string, sequence: Sequence | null][]> {
    await Promise.all(this.#preparing)
    const left = [...this.#known]
    this.#known.clear()
    return left
  }

  #refusal(id: string): ErrorValue | null {
    const { slots } = this.#deps.model.model
    if (this.#stopped !== null) return this.#stopped
    if (this.#known.has(id)) return failValue('engine.sameJob')
    if (this.#known.size >= slots + QUEUE_MAX) return failValue('engine.queueFull', { slots, waiting: QUEUE_MAX })
    return null
  }

  async #prepare(id: string, request: EngineRequest, arrival: Omit<Arrival, 'job'>): Promise<void> {
    const { model, randomSeed, openTemplate, sendError, onWork } = this.#deps
    let job: EngineJob
    try {
      job = await prepareJob(id, request, model, {
        now: arrival.arrivedAt,
        randomSeed,
        ...(openTemplate === undefined ? {} : { openTemplate }),
      })
    } catch (error) {
      this.#cancelledEarly.delete(id)
      if (this.#known.delete(id)) sendError(id, toErrorValue(error))
      return
    }
    if (this.#stopped !== null) {
      job.sampler.dispose()
      return
    }
    const sequence = createSequence({ ...arrival, job })
    this.#known.set(id, sequence)
    this.#waiting.add(sequence)
    if (this.#cancelledEarly.delete(id)) this.cancel(id)
    onWork()
  }
}
