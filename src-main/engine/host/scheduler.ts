/**
 * One step loop over the slots of one context: jobs join and leave between steps. A step is one decode of every running job plus at most
 * 128 prompt tokens, so that a cancel waits for one step at most, long prompts included.
 */
import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { FinishReason, InferenceRequest } from '#contract/inference.ts'

import { QUEUE_MAX, STEP_PROMPT_TOKENS, type HostEvent, type HostStats } from '../protocol.ts'
import { prepareJob, type Job } from './job.ts'
import { createRate } from './rate.ts'
import { createSlots } from './slots.ts'
import type { StepItem, StepModel } from './step-model.ts'

/** One job's text is sent at most this often. */
const DELTA_MS = 15
const STATS_MS = 500

export interface Scheduler {
  submit(id: string, request: InferenceRequest): void
  cancel(id: string): void
  stats(): HostStats
  /** Ends every job with the error and waits for the step in flight; the model may be disposed afterwards. */
  stop(error: ErrorValue): Promise<void>
}

export interface SchedulerOptions { send: (event: HostEvent) => void; mono: () => number; randomSeed: () => number; rssBytes: () => number }

interface Work { item: StepItem; job: Job }

export function createScheduler(model: StepModel, { send, mono, randomSeed, rssBytes }: SchedulerOptions): Scheduler {
  const slots = createSlots(model)
  /** Every job known here, by id: being prepared (null), waiting or running. */
  const known = new Map<string, Job | null>()
  const cancelledEarly = new Set<string>()
  let waiting: Job[] = []
  let running: Job[] = []
  let loop: Promise<void> | null = null
  let stopped = false
  const rate = createRate(mono)
  let statsAt = Number.NEGATIVE_INFINITY

  const stats = (): HostStats => ({ running: running.length, queued: known.size - running.length, slots: model.model.slots, tokensPerSecond: rate.perSecond(), rssBytes: rssBytes() })

  function leave(job: Job): void {
    known.delete(job.id)
    waiting = waiting.filter((other) => other !== job)
    running = running.filter((other) => other !== job)
    slots.release(job)
    job.sampler.dispose()
  }

  function finish(job: Job, finish: FinishReason): void {
    if (finish !== 'cancelled') job.outbox += job.stops.rest()
    const now = mono()
    sendText([job], now)
    leave(job)
    send({ t: 'done', job: job.id, finish, usage: job.usage, ttftMs: (job.firstTextAt ?? now) - job.submittedAt, durationMs: now - job.submittedAt })
  }

  function fail(job: Job, error: ErrorValue): void {
    leave(job)
    send({ t: 'error', job: job.id, error })
  }

  /** One message for all the jobs. */
  function sendText(jobs: readonly Job[], now: number): void {
    const due = jobs.filter((job) => job.outbox !== '')
    if (due.length === 0) return
    const items = due.map((job) => {
      const text = job.outbox
      job.outbox = ''
      job.firstTextAt ??= now
      job.lastSentAt = now
      return { job: job.id, text }
    })
    send({ t: 'deltas', items })
  }

  /** Cancelled jobs out, waiting ones in. */
  async function admit(): Promise<void> {
    for (const job of [...waiting, ...running]) if (job.cancelled) finish(job, 'cancelled')
    while (slots.free > 0 && waiting.length > 0) {
      const job = waiting.shift()
      if (job === undefined) break
      running.push(job)
      await slots.take(job)
    }
  }

  /** Every decode, then prompts in order of arrival until 128 tokens are full; ascending slots, which the engine runs as one graph. */
  function plan(): Work[] {
    const work: Work[] = []
    let budget = STEP_PROMPT_TOKENS
    for (const job of running) {
      if (job.next !== null) work.push({ job, item: { slot: job.slot, position: job.held, tokens: [job.next], sampler: job.sampler } })
      else if (budget > 0) {
        const tokens = job.prompt.slice(job.held, job.held + budget)
        budget -= tokens.length
        const last = job.held + tokens.length === job.prompt.length
        work.push({ job, item: { slot: job.slot, position: job.held, tokens, sampler: last ? job.sampler : null } })
      }
    }
    return work.sort((a, b) => a.item.slot - b.item.slot)
  }

  function accept(job: Job, token: number | null): void {
    if (job.cancelled) return
    if (token === null || (model.isEnd(token) && !job.ignoreEos)) {
      finish(job, 'stop')
      return
    }
    job.usage.generatedTokens += 1
    rate.add(1)
    const { text, stopped: hit } = job.stops.push(job.text.push(token))
    job.outbox += text
    if (hit) finish(job, 'stop')
    else if (job.usage.generatedTokens >= job.maxTokens) finish(job, 'length')
    else job.next = token
  }

  async function step(): Promise<void> {
    const work = plan()
    if (work.length === 0) return
    let chosen: (number | null)[]
    try {
      chosen = await model.step(work.map((each) => each.item))
    } catch (error) {
      for (const { job, item } of work) {
        fail(job, toErrorValue(new StokerError('INTERNAL', `The engine could not evaluate this step (${(error as Error).message.slice(0, 200)}). Send the request again.`)))
        await slots.forget(item.slot)
      }
      return
    }
    for (const [at, { job, item }] of work.entries()) {
      slots.fed(job, item.tokens)
      if (item.sampler !== null) accept(job, chosen[at] ?? null)
    }
    const now = mono()
    sendText(running.filter((job) => now - job.lastSentAt >= DELTA_MS), now)
    if (now - statsAt >= STATS_MS) {
      statsAt = now
      send({ t: 'stats', stats: stats() })
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await admit()
      if (running.length === 0) break
      await step()
    }
  }

  function wake(): void {
    if (stopped) return
    loop ??= run().finally(() => {
      loop = null
      // A job may have come in after the last look.
      if (waiting.length > 0) wake()
      else send({ t: 'stats', stats: stats() })
    })
  }

  async function prepare(id: string, request: InferenceRequest): Promise<void> {
    try {
      const job = await prepareJob(id, request, model, { now: mono(), randomSeed })
      if (stopped || !known.has(id)) {
        job.sampler.dispose()
        return
      }
      job.cancelled = cancelledEarly.delete(id)
      known.set(id, job)
      waiting.push(job)
      wake()
    } catch (error) {
      cancelledEarly.delete(id)
      if (known.delete(id)) send({ t: 'error', job: id, error: toErrorValue(error) })
    }
  }

  return {
    submit(id, request) {
      const refuse = (code: 'ENGINE_BUSY' | 'CONFLICT', message: string): void => send({ t: 'error', job: id, error: { code, message, data: {} } })
      if (known.has(id)) refuse('CONFLICT', 'A job with this id runs already. Give every job its own id.')
      else if (known.size >= model.model.slots + QUEUE_MAX) refuse('ENGINE_BUSY', `All ${model.model.slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`)
      else {
        known.set(id, null)
        void prepare(id, request)
      }
    },
    cancel(id) {
      const job = known.get(id)
      if (job === undefined) return
      if (job === null) cancelledEarly.add(id)
      else job.cancelled = true
      wake()
    },
    stats,
    async stop(error) {
      stopped = true
      await loop
      for (const id of known.keys()) {
        const job = known.get(id)
        if (job) fail(job, error)
        else send({ t: 'error', job: id, error })
      }
      known.clear()
    },
  }
}
