/**
 * Turns completions into jobs for the mixed trace: jobs have deadlines, HTTP requests have none. Requests whose prompts
 * begin as announced are submitted as jobs with their deadline, after the core's own admission rule, and wait for a slot
 * as in the exchange's queue; all others pass unchanged.
 */
import type { EngineRequest } from '#contract/inference.ts'
import type { EnginePort, EngineEvents } from '#core/engine/engine.port.ts'
import { finishesInMs } from '#core/jobs/index.ts'
import type { OfferedJob } from '#core/venues/index.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'

/** Characters by which a prompt is recognised. */
const HEAD_CHARACTERS = 48
/** The shapes' words are one token of three bytes, a reference token is four bytes. */
const PROMPT_RATIO = 4 / 3

export const headOf = (prompt: string): string => prompt.slice(0, HEAD_CHARACTERS)

const refused = (message: string): { code: 'ENGINE_BUSY'; message: string; data: Record<string, never> } => ({
  code: 'ENGINE_BUSY',
  message,
  data: {},
})

/** It waits until a slot is free, for at most as long as the exchange lets it wait. */
interface QueuedJob {
  jobId: string
  request: EngineRequest
  events: EngineEvents
  /** Of performance.now(). */
  deadlineAt: number
  giveUp: NodeJS.Timeout
}

export interface JobGate {
  engine: EnginePort
  know(byPrompt: readonly (readonly [prompt: string, deadlineMs: number])[]): void
}

class Gate implements JobGate {
  readonly engine: EnginePort
  readonly #inner: EnginePort
  readonly #size: { slots: number; contextTokens: number }
  readonly #deadlines = new Map<string, number>()
  readonly #line = new Map<string, QueuedJob>()
  #running = 0

  constructor(inner: EnginePort, size: { slots: number; contextTokens: number }) {
    this.#inner = inner
    this.#size = size
    const own: Partial<EnginePort> = {
      submit: (...job) => this.#submit(...job),
      cancel: (jobId) => this.#cancel(jobId),
    }
    this.engine = new Proxy(inner, {
      get(target, name) {
        const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  know(byPrompt: readonly (readonly [prompt: string, deadlineMs: number])[]): void {
    this.#deadlines.clear()
    for (const [prompt, deadlineMs] of byPrompt) this.#deadlines.set(headOf(prompt), deadlineMs)
  }

  #submit(...[jobId, request, events, options]: Parameters<EnginePort['submit']>): void {
    const deadlineMs = this.#deadlines.get(headOf(request.prompt ?? ''))
    if (deadlineMs === undefined) {
      this.#inner.submit(jobId, request, events, options)
      return
    }
    if (this.#line.size >= LIMITS.waitingOrders) {
      events.onError(refused('the waiting line is full'))
      return
    }
    const giveUp = setTimeout(() => {
      this.#line.delete(jobId)
      events.onError(refused(`every slot was taken for ${LIMITS.waitForSlotMs / 1_000} s`))
    }, LIMITS.waitForSlotMs)
    this.#line.set(jobId, { jobId, request, events, deadlineAt: performance.now() + deadlineMs, giveUp })
    this.#serve()
  }

  #cancel(jobId: string): void {
    const queued = this.#line.get(jobId)
    if (queued === undefined) this.#inner.cancel(jobId)
    else {
      this.#dequeue(queued)
      queued.events.onError(refused('the buyer left'))
    }
  }

  #dequeue({ jobId, giveUp }: QueuedJob): void {
    clearTimeout(giveUp)
    this.#line.delete(jobId)
  }

  /** Oldest first, while slots are free. */
  #serve(): void {
    for (const queued of this.#line.values()) {
      if (this.#running >= this.#size.slots) return
      this.#dequeue(queued)
      const leftMs = queued.deadlineAt - performance.now()
      const finishMs = this.#finishesInMs(queued.request)
      if (finishMs !== null && finishMs > leftMs)
        queued.events.onError(refused('the measured rate cannot meet the deadline'))
      else this.#start(queued, leftMs)
    }
  }

  /** As the core's admission estimates it. */
  #finishesInMs({ prompt = '', maxTokens }: EngineRequest): number | null {
    const { running: inEngine, queued: inQueue, speed, waitingPromptTokens } = this.#inner.stats()
    return finishesInMs({ request: { messages: [{ role: 'user', content: prompt }], maxTokens } } as OfferedJob, {
      ...this.#size,
      running: this.#running,
      engine: { running: inEngine, queued: inQueue },
      speed,
      waitingPromptTokens,
      promptRatio: PROMPT_RATIO,
      exams: 0,
      waitTokens: 0,
    })
  }

  #start({ jobId, request, events }: QueuedJob, deadlineMs: number): void {
    this.#running += 1
    const over = (): void => {
      this.#running -= 1
      this.#serve()
    }
    const passed: EngineEvents = {
      onDelta: (text, logprobs) => events.onDelta(text, logprobs),
      onDone(done) {
        events.onDone(done)
        over()
      },
      onError(error) {
        events.onError(error)
        over()
      },
    }
    this.#inner.submit(jobId, request, passed, { priority: 'job', deadlineMs })
  }
}

export const createJobGate = (inner: EnginePort, size: { slots: number; contextTokens: number }): JobGate =>
  new Gate(inner, { slots: size.slots, contextTokens: size.contextTokens })
