/**
 * One step loop over the slots of one context: jobs join and leave between steps. A step is one decode of every running job plus at most
 * 128 prompt tokens, so that a cancel waits for one step at most, long prompts included.
 */
import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { FinishReason, InferenceRequest } from '#contract/inference.ts'

import { QUEUE_MAX, type HostEvent, type HostStats } from '../protocol.ts'
import { prepareJob, type Job } from './job.ts'
import { planStep, type Work } from './plan.ts'
import { createRate, type Rate } from './rate.ts'
import { createSlots, type Slots } from './slots.ts'
import type { StepModel } from './step-model.ts'

/** One job's text is sent at most this often. */
const DELTA_MS = 15
const STATS_MS = 500

export interface Scheduler {
  submit(id: string, request: InferenceRequest): void
  /** Unknown ids are ignored. */
  cancel(id: string): void
  stats(): HostStats
  /** Ends every job with the error and waits for the step in flight; the model may be disposed afterwards. */
  stop(error: ErrorValue): Promise<void>
}

export interface SchedulerOptions {
  send: (event: HostEvent) => void
  mono: () => number
  randomSeed: () => number
  rssBytes: () => number
}

class StepScheduler implements Scheduler {
  private readonly model: StepModel
  private readonly options: SchedulerOptions
  private readonly slots: Slots
  private readonly rate: Rate
  /** Every job here by id; null while its prompt is being prepared. */
  private readonly known = new Map<string, Job | null>()
  private readonly cancelledEarly = new Set<string>()
  private waiting: Job[] = []
  private running: Job[] = []
  private loop: Promise<void> | null = null
  private stopped = false
  private statsAt = Number.NEGATIVE_INFINITY

  constructor(model: StepModel, options: SchedulerOptions) {
    this.model = model
    this.options = options
    this.slots = createSlots(model)
    this.rate = createRate(options.mono)
  }

  submit(id: string, request: InferenceRequest): void {
    const { slots } = this.model.model
    if (this.known.has(id)) this.sendError(id, { code: 'CONFLICT', message: 'A job with this id runs already. Give every job its own id.', data: {} })
    else if (this.known.size >= slots + QUEUE_MAX)
      this.sendError(id, { code: 'ENGINE_BUSY', message: `All ${slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`, data: {} })
    else {
      this.known.set(id, null)
      void this.prepare(id, request)
    }
  }

  cancel(id: string): void {
    const job = this.known.get(id)
    if (job === undefined) return
    if (job === null) this.cancelledEarly.add(id)
    else job.cancelled = true
    this.wake()
  }

  stats(): HostStats {
    return {
      running: this.running.length,
      queued: this.known.size - this.running.length,
      slots: this.model.model.slots,
      tokensPerSecond: this.rate.perSecond(),
      rssBytes: this.options.rssBytes(),
    }
  }

  async stop(error: ErrorValue): Promise<void> {
    this.stopped = true
    await this.loop
    for (const [id, job] of this.known) {
      if (job === null) this.sendError(id, error)
      else this.fail(job, error)
    }
    this.known.clear()
  }

  private sendError(job: string, error: ErrorValue): void {
    this.options.send({ t: 'error', job, error })
  }

  private async prepare(id: string, request: InferenceRequest): Promise<void> {
    try {
      const job = await prepareJob(id, request, this.model, { now: this.options.mono(), randomSeed: this.options.randomSeed })
      if (this.stopped) {
        job.sampler.dispose()
        return
      }
      job.cancelled = this.cancelledEarly.delete(id)
      this.known.set(id, job)
      this.waiting.push(job)
      this.wake()
    } catch (error) {
      this.cancelledEarly.delete(id)
      if (this.known.delete(id)) this.sendError(id, toErrorValue(error))
    }
  }

  private wake(): void {
    if (this.stopped) return
    this.loop ??= this.run().finally(() => {
      this.loop = null
      // A job may have come in after the last look.
      if (this.waiting.length > 0) this.wake()
      else this.options.send({ t: 'stats', stats: this.stats() })
    })
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.admit()
      if (this.running.length === 0) break
      await this.step()
    }
  }

  /** Cancelled jobs out, waiting ones in. */
  private async admit(): Promise<void> {
    for (const job of [...this.waiting, ...this.running]) if (job.cancelled) this.finish(job, 'cancelled')
    while (this.slots.free > 0) {
      const job = this.waiting.shift()
      if (job === undefined) return
      this.running.push(job)
      await this.slots.take(job)
    }
  }

  private async step(): Promise<void> {
    const work = planStep(this.running)
    const chosen = await this.model.step(work.map(({ item }) => item)).catch(async (error: unknown) => {
      await this.failStep(work, error as Error)
      return null
    })
    if (chosen === null) return
    for (const [at, { job, item }] of work.entries()) {
      this.slots.fed(job, item.tokens)
      if (item.sampler !== null) this.accept(job, chosen[at] ?? null)
    }
    const now = this.options.mono()
    this.sendText(
      this.running.filter((job) => now - job.lastSentAt >= DELTA_MS),
      now,
    )
    if (now - this.statsAt < STATS_MS) return
    this.statsAt = now
    this.options.send({ t: 'stats', stats: this.stats() })
  }

  private async failStep(work: readonly Work[], error: Error): Promise<void> {
    const failure = toErrorValue(new StokerError('INTERNAL', `The engine could not evaluate this step (${error.message.slice(0, 200)}). Send the request again.`))
    for (const { job, item } of work) {
      this.fail(job, failure)
      await this.slots.forget(item.slot)
    }
  }

  /** One more token of a job's answer; null when none was possible (a finished grammar). */
  private accept(job: Job, token: number | null): void {
    if (job.cancelled) return
    if (token === null || (this.model.isEnd(token) && !job.ignoreEos)) {
      this.finish(job, 'stop')
      return
    }
    job.usage.generatedTokens += 1
    this.rate.add(1)
    const { text, stopped } = job.stops.push(job.text.push(token))
    job.outbox += text
    if (stopped) this.finish(job, 'stop')
    else if (job.usage.generatedTokens >= job.maxTokens) this.finish(job, 'length')
    else job.next = token
  }

  private finish(job: Job, finish: FinishReason): void {
    if (finish !== 'cancelled') job.outbox += job.stops.rest()
    const now = this.options.mono()
    this.sendText([job], now)
    this.leave(job)
    this.options.send({ t: 'done', job: job.id, finish, usage: job.usage, ttftMs: (job.firstTextAt ?? now) - job.submittedAt, durationMs: now - job.submittedAt })
  }

  private fail(job: Job, error: ErrorValue): void {
    this.leave(job)
    this.sendError(job.id, error)
  }

  private leave(job: Job): void {
    this.known.delete(job.id)
    this.waiting = this.waiting.filter((other) => other !== job)
    this.running = this.running.filter((other) => other !== job)
    this.slots.release(job)
    job.sampler.dispose()
  }

  /** One message for all the jobs that have something to say. */
  private sendText(jobs: readonly Job[], now: number): void {
    const items = jobs
      .filter((job) => job.outbox !== '')
      .map((job) => {
        const text = job.outbox
        job.outbox = ''
        job.firstTextAt ??= now
        job.lastSentAt = now
        return { job: job.id, text }
      })
    if (items.length > 0) this.options.send({ t: 'deltas', items })
  }
}

export const createScheduler = (model: StepModel, options: SchedulerOptions): Scheduler => new StepScheduler(model, options)
