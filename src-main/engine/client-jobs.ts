/** The jobs given to an engine: held until a host with a model is there, sent, and ended exactly once. */
import type { Channel } from '#contract/channel/channel.ts'
import type { ErrorValue } from '#contract/errors.ts'
import type { InferenceRequest } from '#contract/inference.ts'
import type { EngineEvents } from '#core/engine/engine.port.ts'

import type { HostEvent } from './protocol.ts'

interface ClientJob {
  request: InferenceRequest
  events: EngineEvents
  sent: boolean
}

export interface ClientJobs {
  readonly size: number
  has(id: string): boolean
  add(id: string, request: InferenceRequest, events: EngineEvents): void
  /** Sends what waits for a host, oldest first. */
  sendHeld(channel: Channel): void
  cancel(id: string, channel: Channel | null): void
  handle(event: Extract<HostEvent, { t: 'deltas' | 'done' | 'error' }>): void
  failSent(error: ErrorValue): void
  failAll(error: ErrorValue): void
}

/** `onFinished`: a job ran to its own end, so the host works. */
export function createClientJobs({ onFinished }: { onFinished: () => void }): ClientJobs {
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

  return {
    get size() {
      return jobs.size
    },
    has: (id) => jobs.has(id),
    add: (id, request, events) => void jobs.set(id, { request, events, sent: false }),
    sendHeld(channel) {
      for (const [job, { request, sent }] of jobs) {
        if (sent || !channel.isOpen) continue
        channel.send({ t: 'submit', job, request })
        const held = jobs.get(job)
        if (held !== undefined) held.sent = true
      }
    },
    cancel(id, channel) {
      const job = jobs.get(id)
      if (job === undefined) return
      if (!job.sent) {
        jobs.delete(id)
        job.events.onDone({ finish: 'cancelled', usage: { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 }, ttftMs: 0, durationMs: 0 })
      } else if (channel?.isOpen === true) channel.send({ t: 'cancel', job: id })
    },
    handle(event) {
      if (event.t === 'deltas') for (const { job, text } of event.items) jobs.get(job)?.events.onDelta(text)
      else if (event.t === 'error') take(event.job)?.events.onError(event.error)
      else {
        if (event.finish !== 'cancelled') onFinished()
        const { finish, usage, ttftMs, durationMs } = event
        take(event.job)?.events.onDone({ finish, usage, ttftMs, durationMs })
      }
    },
    failSent: (error) => failWhere((job) => job.sent, error),
    failAll: (error) => failWhere(() => true, error),
  }
}
