/**
 * Continuous batching over the slots of one context: jobs are admitted and finish between steps. A step is one decode of
 * every stream and chunks of the prefills, at most 128 tokens of each where several jobs share it, so that a cancel
 * waits for one step at most, long prompts included.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'

import { type ErrorValue, fromErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'

import type { Embedded, EngineHostEvent, HostStats } from '#engine/protocol.ts'
import { createEmbedQueue, type EmbedQueue } from './embed-queue.ts'
import type { Governor } from '../processor/governor.ts'
import { JobAdmission, type JobOptions } from './job-admission.ts'
import { createJobOrder, type JobOrder } from './job-order.ts'
import { OutputDelivery } from './output-delivery.ts'
import { promptTokensLeft, type Sequence } from './sequence.ts'
import { createSlots, type Slots } from './slots.ts'
import { createSpeedMeter, type SpeedMeter } from './speed-meter.ts'
import { stepFailure } from './step-failure.ts'
import type { StepModel } from './step-model.ts'
import type { StepPlan } from './step-plan.ts'
import { StepRunner } from './step-runner.ts'
import { promptsOf } from '../template/prompt-builder.ts'
import type { OpenTemplate } from '../template/template-thread.ts'
import { createTokenRate, type TokenRate } from './token-rate.ts'

const STATS_MS = 500

export interface Scheduler {
  submit(id: string, request: EngineRequest, options: JobOptions): void
  /** Unknown ids are ignored. */
  cancel(id: string): void
  /** Errors: MODEL_UNSUPPORTED, CONTEXT_TOO_LONG, ENGINE_BUSY, and the one it is stopped with. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded>
  stats(): HostStats
  /** Ends every job for this reason and waits for the step in flight; the model may be disposed afterwards. */
  stop(reason: ErrorValue): Promise<void>
}

export interface SchedulerDeps {
  send: (event: EngineHostEvent) => void
  mono: () => number
  randomSeed: () => number
  rssBytes: () => number
  /** How chat templates are run; in this thread when left out. */
  openTemplate?: OpenTemplate
}

class StepScheduler implements Scheduler {
  readonly #model: StepModel
  readonly #deps: SchedulerDeps
  readonly #slots: Slots
  readonly #rate: TokenRate
  readonly #speed: SpeedMeter
  readonly #order: JobOrder
  readonly #admission: JobAdmission
  readonly #runner: StepRunner
  readonly #delivery: OutputDelivery
  readonly #embeds: EmbedQueue
  #loop: Promise<void> | null = null
  #stopped: ErrorValue | null = null
  #statsAt = Number.NEGATIVE_INFINITY
  /** Prompt tokens of finished jobs that came from the prefix cache. */
  #cachedTokens = 0

  constructor(model: StepModel, governor: Governor, deps: SchedulerDeps) {
    const { send, mono, randomSeed, openTemplate } = deps
    this.#model = model
    this.#deps = deps
    this.#rate = createTokenRate(mono)
    this.#speed = createSpeedMeter(model.model.slots)
    this.#order = createJobOrder(this.#speed, () => this.#slots.running)
    this.#slots = createSlots(
      model,
      (leader, sequence) => this.#order.rank(leader, mono()) <= this.#order.rank(sequence, mono()),
    )
    this.#admission = new JobAdmission({
      model,
      mono,
      randomSeed,
      ...(openTemplate === undefined ? {} : { openTemplate }),
      sendError: (job, error) => send({ t: 'error', job, error }),
      onWork: () => this.#wake(),
    })
    this.#runner = new StepRunner({ model, governor, order: this.#order, speed: this.#speed, mono })
    this.#delivery = new OutputDelivery({
      send,
      mono,
      vocabulary: model.vocabulary,
      rate: this.#rate,
      release: (sequence) => this.#release(sequence),
    })
    this.#embeds = createEmbedQueue(model)
  }

  submit(id: string, request: EngineRequest, options: JobOptions): void {
    this.#admission.submit(id, request, options)
  }

  cancel(id: string): void {
    this.#admission.cancel(id)
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded> {
    if (this.#stopped !== null) throw fromErrorValue(this.#stopped)
    const embedded = this.#embeds.add(texts, signal)
    this.#wake()
    return embedded
  }

  stats(): HostStats {
    const { running } = this.#slots
    let [waitingPromptTokens, cachedTokens] = [0, this.#cachedTokens]
    for (const sequence of this.#admission.waiting) waitingPromptTokens += sequence.job.prompt.length
    for (const sequence of this.#slots.bySlot) {
      if (sequence === null) continue
      waitingPromptTokens += promptTokensLeft(sequence)
      cachedTokens += sequence.usage.cachedTokens
    }
    return {
      running,
      queued: this.#admission.size - running,
      slots: this.#model.model.slots,
      tokensPerSecond: this.#rate.perSecond(),
      rssBytes: this.#deps.rssBytes(),
      speed: this.#speed.view(),
      waitingPromptTokens,
      cachedTokens,
      promptTokens: this.#runner.promptTokens,
      threads: this.#runner.threads,
    }
  }

  async stop(reason: ErrorValue): Promise<void> {
    this.#stopped = reason
    this.#admission.close(reason)
    promptsOf(this.#model).stop()
    await this.#loop
    for (const [job, sequence] of await this.#admission.drain()) {
      if (sequence === null) this.#deps.send({ t: 'error', job, error: reason })
      else this.#delivery.fail(sequence, reason)
    }
    this.#embeds.failAll(fromErrorValue(reason))
    this.#slots.dispose()
  }

  #wake(): void {
    if (this.#stopped !== null) return
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null
      // A job may have come in after the last look.
      if (this.#hasWork()) this.#wake()
      else {
        this.#speed.idle()
        this.#deps.send({ t: 'stats', stats: this.stats() })
      }
    })
  }

  #hasWork(): boolean {
    return this.#admission.hasWork || this.#embeds.size > 0 || this.#slots.running > 0
  }

  /**
   * Pending messages are handled before every turn: a step may block this thread for half a second, on a slow model
   * longer.
   */
  async #run(): Promise<void> {
    await turnOfTheLoop()
    while (this.#stopped === null && this.#hasWork()) {
      await this.#turn().catch((error: unknown) => this.#failRunning(error))
    }
  }

  async #turn(): Promise<void> {
    const cancels = this.#admission.takeCancels()
    if (cancels.length > 0) this.#delivery.cancel(cancels)
    await this.#embeds.next()
    const startedAt = this.#deps.mono()
    await this.#slots.catchUp()
    await this.#admit()
    if (this.#admission.waiting.size === 0) await this.#slots.closeGap()
    const plan = this.#runner.plan(this.#slots.bySlot, startedAt)
    const succeeded = plan.items.length > 0 && (await this.#step(plan))
    await turnOfTheLoop()
    if (succeeded) this.#runner.turned(plan, this.#deps.mono() - startedAt)
  }

  async #admit(): Promise<void> {
    while (this.#slots.free > 0 && this.#admission.waiting.size > 0) {
      const sequence = this.#order.next(this.#admission.waiting, this.#deps.mono())
      if (sequence === null) return
      this.#admission.admit(sequence)
      try {
        await this.#slots.take(sequence)
      } catch (error) {
        this.#delivery.fail(sequence, stepFailure('engine.stepTakeUp', error))
        await this.#forget(sequence.slot)
      }
    }
  }

  /** False when it failed. */
  async #step(plan: StepPlan): Promise<boolean> {
    const { items, sequences } = plan
    let result: Awaited<ReturnType<StepRunner['run']>>
    try {
      result = await this.#runner.run(plan)
    } catch (error) {
      const value = stepFailure('engine.stepEvaluate', error)
      for (const sequence of sequences) this.#delivery.fail(sequence, value)
      for (const { slot } of items) await this.#forget(slot)
      return false
    }
    const { sampled, endedAt } = result
    for (const [at, sequence] of sequences.entries()) this.#slots.append(sequence, items[at]?.tokens ?? [])
    this.#delivery.accept(plan, sampled)
    this.#delivery.flush(endedAt)
    if (endedAt - this.#statsAt >= STATS_MS) {
      this.#statsAt = endedAt
      this.#deps.send({ t: 'stats', stats: this.stats() })
    }
    return true
  }

  #release(sequence: Sequence): void {
    if (sequence.finished) return
    sequence.finished = true
    this.#cachedTokens += sequence.usage.cachedTokens
    this.#admission.remove(sequence)
    this.#slots.release(sequence)
    sequence.job.sampler.dispose()
  }

  async #forget(slot: number): Promise<void> {
    if (slot >= 0) await this.#slots.forget(slot).catch(() => undefined)
  }

  /**
   * Something between the steps threw: the running jobs fail, and the content of their slots is not trusted. Where none
   * runs, the waiting jobs fail: a turn must never leave everything as it was.
   */
  async #failRunning(error: unknown): Promise<void> {
    const value = stepFailure('engine.stepGoOn', error)
    if (this.#slots.running === 0) {
      for (const sequence of this.#admission.waiting) this.#delivery.fail(sequence, value)
      this.#embeds.failAll(error)
    }
    for (const sequence of this.#slots.bySlot) {
      if (sequence === null) continue
      this.#delivery.fail(sequence, value)
      await this.#forget(sequence.slot)
    }
  }
}

export const createScheduler = (model: StepModel, governor: Governor, deps: SchedulerDeps): Scheduler =>
  new StepScheduler(model, governor, deps)
