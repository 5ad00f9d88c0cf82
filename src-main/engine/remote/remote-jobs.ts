/** The requests in progress at one endpoint, each ended exactly once. */
import { toErrorValue, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EngineDone, EngineEvents, EngineSpeed } from '#core/engine/engine.port.ts'

import { createTokenRate } from '../host/scheduler/token-rate.ts'
import { textLength } from '../pool/pool-jobs.ts'
import type { RemoteAnswer } from './remote-answer.ts'
import { bodyOf, type BodyOptions } from './remote-request.ts'
import type { ServerConnection } from './server-call.ts'
import { createRemoteSpeed } from './remote-speed.ts'
import { streamAnswer } from './read-stream.ts'

/** Timeouts of a request without a deadline. */
const FIRST_MS = 120_000
const WHOLE_MS = 3_600_000
const IDLE_MS = 60_000
/** A job may exceed its deadline by this much: ending it is up to the one who submitted it. */
const GRACE_MS = 10_000
const CHARACTERS_PER_TOKEN = 4

interface RemoteJob {
  readonly request: EngineRequest
  readonly events: EngineEvents
  readonly cancelled: AbortController
  readonly startedAt: number
  readonly promptTokens: number
  firstAt: number | null
  lastAt: number
  chunks: number
  streamsAtFirst: number
  ended: boolean
}

export interface RemoteJobsDeps {
  connection: ServerConnection
  model: string
  slots: () => number
  facts: () => Pick<BodyOptions, 'dialect' | 'prefixReuse'>
  /** Checks the server now. */
  isUp: () => Promise<boolean>
  onServed: () => void
  /** The server failed or refused a job before its first chunk. */
  onFailed: (error: ErrorValue) => void
}

export interface RemoteJobs {
  start(id: string, request: EngineRequest, events: EngineEvents, deadlineMs: number | undefined): void
  cancel(id: string): void
  failAll(error: ErrorValue): void
  stats(): {
    running: number
    tokensPerSecond: number
    speed: EngineSpeed
    waitingPromptTokens: number
    cachedTokens: number
    promptTokens: number
  }
}

class Jobs implements RemoteJobs {
  readonly #deps: RemoteJobsDeps
  readonly #jobs = new Map<string, RemoteJob>()
  readonly #rate
  readonly #speed
  #cachedTokens = 0
  #promptTokens = 0

  constructor(deps: RemoteJobsDeps) {
    this.#deps = deps
    this.#rate = createTokenRate(() => this.#now())
    this.#speed = createRemoteSpeed(deps.slots)
  }

  start(id: string, request: EngineRequest, events: EngineEvents, deadlineMs: number | undefined): void {
    const now = this.#now()
    const job: RemoteJob = {
      request,
      events,
      cancelled: new AbortController(),
      startedAt: now,
      promptTokens: Math.ceil(textLength(request) / CHARACTERS_PER_TOKEN),
      firstAt: null,
      lastAt: now,
      chunks: 0,
      streamsAtFirst: 1,
      ended: false,
    }
    this.#jobs.set(id, job)
    void this.#serve(id, job, deadlineMs)
  }

  /** Immediate: closing the connection tells the server. */
  cancel(id: string): void {
    const job = this.#jobs.get(id)
    if (job === undefined) return
    job.cancelled.abort()
    // The server sends its own counts with the last chunk only.
    this.#finish(id, job, 'cancelled', {
      promptTokens: job.firstAt === null ? 0 : job.promptTokens,
      cachedTokens: 0,
      generatedTokens: job.chunks,
    })
  }

  failAll(error: ErrorValue): void {
    for (const [id, job] of this.#jobs) {
      job.cancelled.abort()
      this.#fail(id, job, error)
    }
  }

  stats(): ReturnType<RemoteJobs['stats']> {
    const jobs = [...this.#jobs.values()]
    return {
      running: jobs.length,
      tokensPerSecond: this.#rate.perSecond(),
      speed: this.#speed.view(),
      waitingPromptTokens: jobs.reduce(
        (sum, { firstAt, promptTokens }) => sum + (firstAt === null ? promptTokens : 0),
        0,
      ),
      cachedTokens: this.#cachedTokens,
      promptTokens: this.#promptTokens,
    }
  }

  #now(): number {
    return this.#deps.connection.clock.mono()
  }

  async #serve(id: string, job: RemoteJob, deadlineMs: number | undefined): Promise<void> {
    const { isUp, onFailed } = this.#deps
    for (let resend = false; ; resend = true) {
      try {
        const answer = await this.#ask(job, deadlineMs)
        if (!job.ended) this.#succeed(id, job, answer)
        return
      } catch (error) {
        if (job.ended) return
        const value = toErrorValue(error)
        const nothingCame = job.chunks === 0
        // It may have been a kept-alive connection that the server had closed; or the server is gone.
        if (
          nothingCame &&
          value.code === 'ENGINE_UNREACHABLE' &&
          (await isUp()) &&
          !resend &&
          this.#now() - job.startedAt < GRACE_MS &&
          !job.ended
        )
          continue
        if (job.ended) return
        if (nothingCame) onFailed(value)
        else if (value.code === 'ENGINE_CRASHED') void isUp()
        this.#fail(id, job, value)
        return
      }
    }
  }

  #ask(job: RemoteJob, deadlineMs: number | undefined): Promise<RemoteAnswer> {
    const { connection, model, facts } = this.#deps
    const { path, body } = bodyOf(job.request, { model, ...facts() })
    return streamAnswer(connection, {
      path,
      body,
      request: job.request,
      promptTokens: job.promptTokens,
      timeouts: {
        firstMs: deadlineMs ?? FIRST_MS,
        idleMs: IDLE_MS,
        wholeMs: deadlineMs === undefined ? WHOLE_MS : deadlineMs + GRACE_MS,
      },
      cancelled: job.cancelled.signal,
      onChunk: () => this.#onChunk(job),
      onDelta: (text, logprobs) => {
        if (job.ended) return
        if (logprobs === undefined) job.events.onDelta(text)
        else job.events.onDelta(text, logprobs)
      },
    })
  }

  #onChunk(job: RemoteJob): void {
    job.lastAt = this.#now()
    job.chunks += 1
    this.#rate.add(1)
    if (job.firstAt !== null) return
    job.firstAt = job.lastAt
    job.streamsAtFirst = this.#jobs.size
  }

  #succeed(id: string, job: RemoteJob, answer: RemoteAnswer): void {
    const { usage, toolCalls } = answer
    this.#deps.onServed()
    this.#cachedTokens += usage.cachedTokens
    this.#promptTokens += usage.promptTokens - usage.cachedTokens
    if (job.firstAt !== null) {
      this.#speed.prompted(usage.promptTokens - usage.cachedTokens, job.firstAt - job.startedAt)
      this.#speed.answered(
        usage.generatedTokens,
        job.lastAt - job.firstAt,
        Math.round((job.streamsAtFirst + this.#jobs.size) / 2),
      )
    }
    this.#finish(id, job, answer.overrun ? 'length' : (answer.finish ?? 'stop'), usage, toolCalls)
  }

  #finish(
    id: string,
    job: RemoteJob,
    finish: EngineDone['finish'],
    usage: EngineDone['usage'],
    toolCalls: EngineDone['toolCalls'] = [],
  ): void {
    if (!this.#end(id, job)) return
    const now = this.#now()
    job.events.onDone({
      finish,
      usage,
      ttftMs: (job.firstAt ?? now) - job.startedAt,
      durationMs: now - job.startedAt,
      ...(toolCalls.length > 0 ? { toolCalls } : {}),
    })
  }

  #fail(id: string, job: RemoteJob, error: ErrorValue): void {
    if (this.#end(id, job)) job.events.onError(error)
  }

  #end(id: string, job: RemoteJob): boolean {
    if (job.ended) return false
    job.ended = true
    this.#jobs.delete(id)
    return true
  }
}

export const createRemoteJobs = (deps: RemoteJobsDeps): RemoteJobs => new Jobs(deps)
