/**
 * Runs a model's chat template in a thread of its own, one prompt after another. A template that takes too long, or more
 * memory than it may, is ended with its thread: the prompt that it was rendering fails, those that wait are rendered by
 * the next thread.
 */
import { Worker } from 'node:worker_threads'

import { type ErrorValue, fail, fromErrorValue, type StokerError } from '#contract/errors.ts'
import type { EngineMessage, ToolDefinition } from '#contract/inference.ts'
import { because } from '#contract/reasons.ts'
import { sha256Hex } from '#lib/canonical.ts'

import { compileTemplate, type ChatTemplate } from './template.ts'
import type { PromptPart } from './template-values.ts'

/** Mistral's templates require nine letters and digits; other ids are hashed into this form. */
const mistralId = (id: string): string => (/^[A-Za-z0-9]{9}$/.test(id) ? id : sha256Hex(id).slice(0, 9))

export interface TemplateSource {
  source: string
  bos: string
  eos: string
  callIds: 'any' | 'mistral'
}

/** How a tool call's id is written for this template. */
export const callIdOf = (callIds: TemplateSource['callIds']): ((id: string) => string) =>
  callIds === 'mistral' ? mistralId : (id) => id

export interface RenderRequest {
  id: number
  messages: readonly EngineMessage[]
  tools: readonly ToolDefinition[]
}
export type RenderAnswer = { id: number; parts: PromptPart[] } | { id: number; error: ErrorValue }

export interface TemplateRunner {
  /** Error TEMPLATE_FAILED. */
  render(messages: readonly EngineMessage[], tools: readonly ToolDefinition[]): Promise<PromptPart[]>
  /**
   * Starts its thread and renders a greeting in it, so that the first prompt need not wait for that. Never rejects: what
   * is wrong with the template its prompts are told.
   */
  warm(): Promise<void>
  /** Ends its thread; what is being rendered fails. */
  stop(): void
}

export type OpenTemplate = (source: TemplateSource) => TemplateRunner

export interface ThreadLimits {
  /** The first prompt of a thread compiles the template and tries it. In ms. */
  firstMs: number
  renderMs: number
}
/** Inside the thread each step of a template has bounds of its own, which are met first unless they do not hold. */
const LIMITS: ThreadLimits = { firstMs: 6_000, renderMs: 2_000 }
/** After so many prompts in a row that ended the thread the template is not run again. */
const ENDED_MAX = 3
/** Prompts that wait or are rendered; the engine takes no more jobs than that. */
const WAITING_MAX = 256
/** A thread costs some megabytes; without prompts for so long it is given up. */
const IDLE_MS = 60_000
const MEMORY = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }

interface Waiting extends RenderRequest {
  resolve: (parts: PromptPart[]) => void
  reject: (error: StokerError) => void
}

class ThreadRunner implements TemplateRunner {
  readonly #entry: URL
  readonly #source: TemplateSource
  readonly #limits: ThreadLimits
  /** In order; the first one is being rendered. */
  readonly #waiting: Waiting[] = []
  #worker: Worker | null = null
  #isFresh = true
  #ended = 0
  #ids = 0
  #timer: NodeJS.Timeout | undefined

  constructor(entry: URL, source: TemplateSource, limits: ThreadLimits) {
    this.#entry = entry
    this.#source = source
    this.#limits = limits
  }

  render(messages: readonly EngineMessage[], tools: readonly ToolDefinition[]): Promise<PromptPart[]> {
    if (this.#ended >= ENDED_MAX) return Promise.reject(failed('template.givenUp'))
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(failed('template.full'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: (this.#ids += 1), messages, tools, resolve, reject })
      if (this.#waiting.length === 1) this.#next()
    })
  }

  async warm(): Promise<void> {
    try {
      await this.render([{ role: 'user', content: 'Hello' }], [])
    } catch {
      // Nobody's prompt failed.
      this.#ended = 0
    }
  }

  stop(): void {
    this.#end()
    for (const one of this.#waiting.splice(0)) one.reject(failed('template.stopped'))
  }

  /** Has the first one rendered. */
  #next(): void {
    clearTimeout(this.#timer)
    const [first] = this.#waiting
    if (first === undefined) return this.#endWhenIdle()
    this.#worker ??= this.#start()
    const { firstMs, renderMs } = this.#limits
    const { id, messages, tools } = first
    this.#timer = setTimeout(() => this.#late(id), this.#isFresh ? firstMs : renderMs).unref()
    this.#worker.postMessage({ id, messages, tools } satisfies RenderRequest)
  }

  #endWhenIdle(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref()
  }

  #start(): Worker {
    // No preloads of the process: they need not know threads.
    const worker = new Worker(this.#entry, { workerData: this.#source, resourceLimits: MEMORY, execArgv: [] })
    this.#isFresh = true
    // Steps of jobs keep the process alive, not this.
    worker.unref()
    worker.on('message', (answer: RenderAnswer) => {
      if (worker === this.#worker) this.#answered(answer)
    })
    // Out of memory, or the library threw where nothing catches: 'exit' follows.
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      if (worker === this.#worker) this.#guilty()
    })
    return worker
  }

  #answered(answer: RenderAnswer): void {
    const [first] = this.#waiting
    if (first?.id !== answer.id) return
    this.#isFresh = false
    this.#ended = 0
    this.#waiting.shift()
    if ('parts' in answer) first.resolve(answer.parts)
    else first.reject(fromErrorValue(answer.error))
    this.#next()
  }

  /**
   * A step may have held this thread for longer than the limit (a GPU's driver compiles at first use), and an answer that
   * came meanwhile is read only after this timer.
   */
  #late(id: number): void {
    setImmediate(() => {
      if (this.#waiting[0]?.id === id) this.#guilty()
    })
  }

  /** The first one took too long, or more memory than it may. */
  #guilty(): void {
    this.#end()
    this.#ended += 1
    this.#waiting.shift()?.reject(failed('template.ended'))
    if (this.#ended < ENDED_MAX) return this.#next()
    for (const one of this.#waiting.splice(0)) one.reject(failed('template.givenUp'))
  }

  #end(): void {
    clearTimeout(this.#timer)
    const worker = this.#worker
    this.#worker = null
    void worker?.terminate().catch(() => undefined)
  }
}

const failed = (code: 'template.ended' | 'template.givenUp' | 'template.full' | 'template.stopped'): StokerError =>
  fail('template.cannotRender', { reason: because(code) })

/** `entry`: template-worker.ts, or what it was built to. */
export const templatesInThread =
  (entry: URL, limits: ThreadLimits = LIMITS): OpenTemplate =>
  (source) =>
    new ThreadRunner(entry, source, limits)

/** Without a thread: for models that tests made up. */
export const templatesHere: OpenTemplate = ({ source, bos, eos, callIds }) => {
  let template: ChatTemplate | null = null
  return {
    async render(messages, tools) {
      template ??= compileTemplate(source, { bos, eos, callId: callIdOf(callIds) })
      return template.render(messages, tools)
    },
    warm: () => Promise.resolve(),
    stop: () => undefined,
  }
}
