/** The jobs of an engine: held until a host has the model loaded, then sent, and ended exactly once. */
import type { Channel } from '#contract/channel/channel.ts'
import { type ErrorValue, reworded } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EngineEvents, EnginePriority, SubmitOptions } from '#core/engine/engine.port.ts'

import { DEADLINE_MS_MAX, type EngineHostEvent, type EngineHostRequest } from '../protocol.ts'

interface ClientJob {
  request: EngineRequest
  events: EngineEvents
  priority: EnginePriority
  /** Monotonic ms. */
  deadlineAt: number | null
  sent: boolean
}

export interface ClientJobs {
  readonly size: number
  /** Jobs in the host. */
  readonly sent: number
  has(id: string): boolean
  add(id: string, request: EngineRequest, events: EngineEvents, options: SubmitOptions): void
  /** Sends what waits for a host, oldest first. */
  sendHeld(channel: Channel): void
  cancel(id: string, channel: Channel | null): void
  handle(event: Extract<EngineHostEvent, { t: 'deltas' | 'done' | 'error' }>): void
  failSent(error: ErrorValue): void
  failAll(error: ErrorValue): void
}

export interface ClientJobsDeps {
  mono: () => number
  /** A job ran to its end, so the host works. */
  onFinished: () => void
}

export function createClientJobs({ mono, onFinished }: ClientJobsDeps): ClientJobs {
  const jobs = new Map<string, ClientJob>()

  function take(id: string): ClientJob | undefined {
    const job = jobs.get(id)
    jobs.delete(id)
    return job
  }
  function failWhere(test: (job: ClientJob) => boolean, error: ErrorValue): void {
    for (const [id, job] of jobs) {
      if (!test(job)) continue
      jobs.delete(id)
      job.events.onError(error)
    }
  }
  /** The deadline is counted anew: the job may have waited here for a restart. */
  const message = (job: string, { request, priority, deadlineAt }: ClientJob): EngineHostRequest => ({
    t: 'submit',
    job,
    request,
    priority,
    deadlineMs: deadlineAt === null ? null : Math.min(DEADLINE_MS_MAX, Math.max(0, deadlineAt - mono())),
  })

  return {
    get size() {
      return jobs.size
    },
    get sent() {
      return [...jobs.values()].filter((job) => job.sent).length
    },
    has: (id) => jobs.has(id),
    add(id, request, events, { priority = 'job', deadlineMs }) {
      const known = deadlineMs !== undefined && !Number.isNaN(deadlineMs)
      jobs.set(id, { request, events, priority, deadlineAt: known ? mono() + deadlineMs : null, sent: false })
    },
    sendHeld(channel) {
      for (const [id, job] of jobs) {
        if (job.sent || !channel.isOpen) continue
        channel.send(message(id, job))
        job.sent = true
      }
    },
    cancel(id, channel) {
      const job = jobs.get(id)
      if (job === undefined) return
      if (!job.sent) {
        jobs.delete(id)
        job.events.onDone({
          finish: 'cancelled',
          usage: { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 },
          ttftMs: 0,
          durationMs: 0,
        })
      } else if (channel?.isOpen === true) channel.send({ t: 'cancel', job: id })
    },
    handle(event) {
      if (event.t === 'deltas')
        for (const { job, text, logprobs } of event.items) jobs.get(job)?.events.onDelta(text, logprobs)
      else if (event.t === 'error') take(event.job)?.events.onError(reworded(event.error))
      else {
        if (event.finish !== 'cancelled') onFinished()
        const { t: _t, job, ...done } = event
        take(job)?.events.onDone(done)
      }
    },
    failSent: (error) => failWhere((job) => job.sent, error),
    failAll: (error) => failWhere(() => true, error),
  }
}
