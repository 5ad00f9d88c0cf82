/**
 * One step loop over the slots of one context: jobs join and leave between steps. A step is one decode of every stream
 * and pieces of the prompts being read, at most 128 tokens of each where several jobs share it, so that a cancel waits
 * for one step at most, long prompts included.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'

import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest, FinishReason } from '#contract/inference.ts'
import type { EnginePriority } from '#core/engine/engine.port.ts'

import { QUEUE_MAX, type Embedded, type HostEvent, type HostStats } from '#engine/protocol.ts'
import { promptBudget } from './prefill-budget.ts'
import { createEmbedQueue, type EmbedQueue } from './embed-queue.ts'
import type { Governor } from '../processor/governor.ts'
import { prepareJob, type Job } from './engine-job.ts'
import { createOrder, type Order } from './job-order.ts'
import { createOutbox, type Outbox } from './delta-outbox.ts'
import { place, promptLeft, type Arrival, type Placed } from './sequence.ts'
import { planStep, type Plan } from './step-plan.ts'
import { createRate, type Rate } from './token-rate.ts'
import { createSlots, type Slots } from './slots.ts'
import { createSpeed, type Speed } from './speed-meter.ts'
import type { Choice, StepModel } from './step-model.ts'

const STATS_MS = 500

export interface JobOptions {
  priority: EnginePriority
  /** From now on; null for none. */
  deadlineMs: number | null
}

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

export interface SchedulerOptions {
  send: (event: HostEvent) => void
  mono: () => number
  randomSeed: () => number
  rssBytes: () => number
}

interface Ending {
  placed: Placed
  finish: FinishReason
}

class StepScheduler implements Scheduler {
  readonly #model: StepModel
  readonly #options: SchedulerOptions
  readonly #governor: Governor
  readonly #slots: Slots
  readonly #rate: Rate
  readonly #speed: Speed
  readonly #order: Order
  readonly #outbox: Outbox
  readonly #embeds: EmbedQueue
  /** Every job here by id; null while its prompt is being prepared. */
  readonly #known = new Map<string, Placed | null>()
  readonly #cancelledEarly = new Set<string>()
  readonly #waiting = new Set<Placed>()
  /** Asked for since the last step. */
  #cancels: Placed[] = []
  readonly #preparing = new Set<Promise<void>>()
  #loop: Promise<void> | null = null
  #stopped: ErrorValue | null = null
  #arrivals = 0
  #steps = 0
  #threads = 0
  #statsAt = Number.NEGATIVE_INFINITY
  #evaluated = 0
  /** Of jobs that have left. */
  #cached = 0

  constructor(model: StepModel, governor: Governor, options: SchedulerOptions) {
    this.#model = model
    this.#governor = governor
    this.#options = options
    this.#rate = createRate(options.mono)
    this.#speed = createSpeed(model.model.slots)
    this.#order = createOrder(this.#speed, () => this.#slots.running)
    this.#slots = createSlots(
      model,
      (leader, placed) => this.#order.rank(leader, options.mono()) <= this.#order.rank(placed, options.mono()),
    )
    this.#outbox = createOutbox(options.send)
    this.#embeds = createEmbedQueue(model)
  }

  submit(id: string, request: EngineRequest, options: JobOptions): void {
    const { slots } = this.#model.model
    if (this.#stopped !== null) this.#sendError(id, this.#stopped)
    else if (this.#known.has(id))
      this.#sendError(id, {
        code: 'CONFLICT',
        message: 'A job with this id runs already. Give every job its own id.',
        data: {},
      })
    else if (this.#known.size >= slots + QUEUE_MAX)
      this.#sendError(id, {
        code: 'ENGINE_BUSY',
        message: `All ${slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`,
        data: {},
      })
    else {
      const arrivedAt = this.#options.mono()
      this.#known.set(id, null)
      const deadlineAt = options.deadlineMs === null ? null : arrivedAt + options.deadlineMs
      const prepared = this.#prepare(id, request, {
        priority: options.priority,
        arrival: (this.#arrivals += 1),
        arrivedAt,
        deadlineAt,
      }).finally(() => this.#preparing.delete(prepared))
      this.#preparing.add(prepared)
    }
  }

  cancel(id: string): void {
    const placed = this.#known.get(id)
    if (placed === undefined) return
    if (placed === null) this.#cancelledEarly.add(id)
    else if (!placed.cancelled) {
      placed.cancelled = true
      this.#cancels.push(placed)
      this.#wake()
    }
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded> {
    if (this.#stopped !== null) throw new StokerError(this.#stopped.code, this.#stopped.message)
    const embedded = this.#embeds.add(texts, signal)
    this.#wake()
    return embedded
  }

  stats(): HostStats {
    const { running } = this.#slots
    let [waitingPromptTokens, cachedTokens] = [0, this.#cached]
    for (const placed of this.#waiting) waitingPromptTokens += placed.job.prompt.length
    for (const placed of this.#slots.bySlot) {
      if (placed === null) continue
      waitingPromptTokens += promptLeft(placed)
      cachedTokens += placed.usage.cachedTokens
    }
    return {
      running,
      queued: this.#known.size - running,
      slots: this.#model.model.slots,
      tokensPerSecond: this.#rate.perSecond(),
      rssBytes: this.#options.rssBytes(),
      speed: this.#speed.view(),
      waitingPromptTokens,
      cachedTokens,
      promptTokens: this.#evaluated,
      threads: this.#threads || this.#governor.next(),
    }
  }

  async stop(reason: ErrorValue): Promise<void> {
    this.#stopped = reason
    await this.#loop
    // They use the model.
    await Promise.all(this.#preparing)
    for (const [id, placed] of this.#known) {
      if (placed === null) this.#sendError(id, reason)
      else this.#fail(placed, reason)
    }
    this.#known.clear()
    this.#embeds.failAll(new StokerError(reason.code, reason.message))
    this.#slots.dispose()
  }

  #sendError(job: string, error: ErrorValue): void {
    this.#options.send({ t: 'error', job, error })
  }

  async #prepare(id: string, request: EngineRequest, arrival: Omit<Arrival, 'job'>): Promise<void> {
    let job: Job
    try {
      job = await prepareJob(id, request, this.#model, { now: arrival.arrivedAt, randomSeed: this.#options.randomSeed })
    } catch (error) {
      this.#cancelledEarly.delete(id)
      if (this.#known.delete(id)) this.#sendError(id, toErrorValue(error))
      return
    }
    if (this.#stopped !== null) {
      job.sampler.dispose()
      return
    }
    const placed = place({ ...arrival, job })
    this.#known.set(id, placed)
    this.#waiting.add(placed)
    if (this.#cancelledEarly.delete(id)) this.cancel(id)
    this.#wake()
  }

  #wake(): void {
    if (this.#stopped !== null) return
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null
      // A job may have come in after the last look.
      if (this.#hasWork()) this.#wake()
      else {
        this.#speed.idle()
        this.#options.send({ t: 'stats', stats: this.stats() })
      }
    })
  }

  #hasWork(): boolean {
    return this.#waiting.size > 0 || this.#cancels.length > 0 || this.#embeds.size > 0 || this.#slots.running > 0
  }

  /**
   * Before every turn the messages that lie there are handled: a step may block this thread for half a second, on a
   * slow model longer.
   */
  async #run(): Promise<void> {
    await turnOfTheLoop()
    while (this.#stopped === null && this.#hasWork()) {
      await this.#turn().catch((error: unknown) => this.#failRunning(error))
    }
  }

  async #turn(): Promise<void> {
    this.#takeCancelled()
    await this.#embeds.next()
    const startedAt = this.#options.mono()
    await this.#slots.catchUp()
    await this.#admit()
    if (this.#waiting.size === 0) await this.#slots.closeGap()
    const plan = planStep(this.#slots.bySlot, {
      order: this.#order,
      now: startedAt,
      turn: (this.#steps += 1),
      batchTokens: this.#model.batchTokens,
      adaptive: this.#model.prefixReuse,
      budget: (decoding, reading) =>
        promptBudget({
          decoding,
          reading,
          speed: this.#speed,
          batchTokens: this.#model.batchTokens,
          adaptive: this.#model.prefixReuse,
        }),
    })
    const decodedAll = plan.items.length > 0 && (await this.#step(plan))
    await turnOfTheLoop()
    if (!decodedAll || plan.decodes === 0) return
    const took = this.#options.mono() - startedAt
    if (plan.promptTokens === 0) this.#speed.decoded(plan.decodes, took)
    // Exam calls are behind every job: what their prompts take from streams now must not keep jobs away.
    if (plan.promptTokens === 0 || plan.jobs.some(({ share, priority }) => share > 0 && priority !== 'exam'))
      this.#speed.waited(plan.decodes, took)
  }

  #takeCancelled(): void {
    if (this.#cancels.length === 0) return
    const cancels = this.#cancels
    this.#cancels = []
    this.#finish(cancels.filter((placed) => !placed.left).map((placed) => ({ placed, finish: 'cancelled' })))
  }

  async #admit(): Promise<void> {
    while (this.#slots.free > 0 && this.#waiting.size > 0) {
      const placed = this.#order.next(this.#waiting, this.#options.mono())
      if (placed === null) return
      this.#waiting.delete(placed)
      try {
        await this.#slots.take(placed)
      } catch (error) {
        this.#fail(placed, failure('take up this job', error))
        await this.#forget(placed.slot)
      }
    }
  }

  /** False when it failed. */
  async #step({ items, jobs, decodes, promptTokens }: Plan): Promise<boolean> {
    const tokens = decodes + promptTokens
    const threads = this.#governor.next(tokens)
    if (threads !== this.#threads) this.#model.setThreads(threads)
    this.#threads = threads
    const startedAt = this.#options.mono()
    let chosen: (Choice | null)[]
    try {
      chosen = await this.#model.step(items)
    } catch (error) {
      const value = failure('evaluate this step', error)
      for (const placed of jobs) this.#fail(placed, value)
      for (const { slot } of items) await this.#forget(slot)
      return false
    }
    const now = this.#options.mono()
    this.#governor.took({ threads, tokens, ms: now - startedAt })
    if (promptTokens > 0) this.#speed.read(promptTokens, decodes, now - startedAt)
    this.#evaluated += promptTokens
    this.#accept(items, jobs, chosen)
    this.#outbox.flush(now)
    if (now - this.#statsAt >= STATS_MS) {
      this.#statsAt = now
      this.#options.send({ t: 'stats', stats: this.stats() })
    }
    return true
  }

  #accept(items: Plan['items'], jobs: Plan['jobs'], chosen: readonly (Choice | null)[]): void {
    const endings: Ending[] = []
    for (const [at, item] of items.entries()) {
      const placed = jobs[at]
      if (placed === undefined) continue
      this.#slots.fed(placed, item.tokens)
      if (item.sampler === null || placed.cancelled) continue
      try {
        const finish = this.#push(placed, chosen[at] ?? null)
        if (finish !== null) endings.push({ placed, finish })
      } catch (error) {
        this.#fail(placed, failure('read what the model said', error))
      }
    }
    this.#finish(endings)
  }

  /** One more token of a job's answer. Says how the job ends when it does, null when it goes on. */
  #push(placed: Placed, choice: Choice | null): FinishReason | null {
    const { job, usage } = placed
    // A grammar that is done has the end token; with none left an answer would pass for whole that is not.
    if (choice === null)
      throw new StokerError(
        'SAMPLING_INVALID',
        'No token was possible: the logit bias forbids all that the grammar or the model leaves. Forbid fewer tokens, or leave the grammar out.',
      )
    if (this.#model.vocabulary.isEnd(choice.token) && !job.ignoreEos) return 'stop'
    usage.generatedTokens += 1
    this.#rate.add(1)
    const piece = job.answer.push(choice)
    this.#outbox.add(placed, piece)
    if (piece.stopped) return 'stop'
    if (usage.generatedTokens >= job.maxTokens) return 'length'
    placed.next = choice.token
    return null
  }

  /** Their texts in one message, then their ends. */
  #finish(endings: readonly Ending[]): void {
    if (endings.length === 0) return
    const ends = endings.map(({ placed, finish }) => {
      const end = finish === 'cancelled' ? null : placed.job.answer.end()
      if (end !== null) this.#outbox.add(placed, end)
      return { placed, finish, toolCalls: end?.toolCalls ?? [] }
    })
    const now = this.#options.mono()
    this.#outbox.flush(now, true)
    for (const { placed, finish, toolCalls } of ends) {
      this.#leave(placed)
      const { job, usage, arrivedAt, firstTextAt } = placed
      this.#options.send({
        t: 'done',
        job: job.id,
        // A call is a whole answer, wherever the tokens ended.
        finish: toolCalls.length > 0 ? 'stop' : finish,
        usage,
        ttftMs: (firstTextAt ?? now) - arrivedAt,
        durationMs: now - arrivedAt,
        ...(toolCalls.length > 0 ? { toolCalls } : {}),
      })
    }
  }

  #fail(placed: Placed, error: ErrorValue): void {
    this.#leave(placed)
    this.#sendError(placed.job.id, error)
  }

  #leave(placed: Placed): void {
    if (placed.left) return
    placed.left = true
    this.#cached += placed.usage.cachedTokens
    this.#known.delete(placed.job.id)
    this.#waiting.delete(placed)
    this.#slots.release(placed)
    placed.job.sampler.dispose()
  }

  async #forget(slot: number): Promise<void> {
    if (slot >= 0) await this.#slots.forget(slot).catch(() => undefined)
  }

  /**
   * Something between the steps threw: whoever ran is told, and what their slots hold is not trusted. Where nobody ran,
   * those who wait: no turn may leave everything as it was.
   */
  async #failRunning(error: unknown): Promise<void> {
    const value = failure('go on', error)
    if (this.#slots.running === 0) {
      for (const placed of this.#waiting) this.#fail(placed, value)
      this.#embeds.failAll(error)
    }
    for (const placed of this.#slots.bySlot) {
      if (placed === null) continue
      this.#fail(placed, value)
      await this.#forget(placed.slot)
    }
  }
}

function failure(what: string, error: unknown): ErrorValue {
  if (error instanceof StokerError) return toErrorValue(error)
  const reason = error instanceof Error ? error.message.slice(0, 200) : 'unknown'
  return toErrorValue(new StokerError('INTERNAL', `The engine could not ${what} (${reason}). Send the request again.`))
}

export const createScheduler = (model: StepModel, governor: Governor, options: SchedulerOptions): Scheduler =>
  new StepScheduler(model, governor, options)
