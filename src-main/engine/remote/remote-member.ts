/**
 * One endpoint with an OpenAI-compatible API as the engine of a pool member: its health, its jobs over HTTP, and its
 * measured speed. It has no queue; the pool sends it no more jobs than it has slots. Its URL and key are never logged.
 */
import { type ErrorValue, fail, failValue, type StokerError, toErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type {
  EngineEvents,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelFile,
  SubmitOptions,
} from '#core/engine/engine.port.ts'
import type { EngineKind, RemoteEndpoint } from '#core/engine/engines.port.ts'
import type { Log } from '#lib/log.ts'

import type { MemberEngine } from '../pool/member-engine.ts'
import { hostOf } from './server-address.ts'
import type { ServerConnection } from './server-call.ts'
import { describeServer, isHealthy, offeredModels, sameModel, type ServerFacts } from './describe-server.ts'
import { embed } from './remote-embeddings.ts'
import { createHealth, type Health } from './server-health.ts'
import { createRemoteJobs, type RemoteJobs } from './remote-jobs.ts'

export interface RemoteMemberDeps extends Pick<ServerConnection, 'fetch' | 'clock'> {
  endpoint: RemoteEndpoint
  pool: Extract<EngineKind, { kind: 'remote' }>
  log: Log
}

interface Wanted {
  file: ModelFile
  prefixReuse: boolean
}

/** Pause after a refusal that the next request would get as well. */
const ENDPOINT_PAUSE_MS = 5_000
/** Pause after the second failure in a row; it doubles with each further one. */
const CRASH_PAUSE_MS = 1_000
const CRASH_PAUSE_MAX_MS = 30_000

const notOffered = (host: string, offered: readonly { id: string }[], model: string): StokerError => {
  const some = offered
    .slice(0, 5)
    .map(({ id }) => id.slice(0, 80))
    .join(', ')
  return fail(
    'remote.modelNotOffered',
    { host, model, count: offered.length, offered: some },
    { data: { endpoint: true } },
  )
}

class RemoteMember implements MemberEngine {
  readonly #deps: RemoteMemberDeps
  readonly #connection: ServerConnection
  readonly #host: string
  readonly #health: Health
  readonly #jobs: RemoteJobs
  readonly #listeners = new Set<(state: EngineState) => void>()
  #current: EngineState = { kind: 'stopped' }
  #wanted: Wanted | null = null
  #facts: ServerFacts | null = null
  /** Monotonic ms: no job is sent before. */
  #pausedUntil = Number.NEGATIVE_INFINITY
  #crashes = 0

  constructor(deps: RemoteMemberDeps) {
    const { endpoint, fetch, clock } = deps
    this.#deps = deps
    this.#connection = { url: endpoint.url, key: endpoint.key, fetch, clock }
    this.#host = hostOf(endpoint.url)
    this.#health = createHealth({
      clock,
      check: () => this.#check(),
      isDown: () => this.#current.kind === 'backoff',
      onUp: () => this.#cameUp(),
      onDown: (error, attempt, nextInMs) => this.#wentDown(error, attempt, nextInMs),
    })
    this.#jobs = createRemoteJobs({
      connection: this.#connection,
      model: deps.pool.model,
      slots: () => this.#slots(),
      facts: () => ({ dialect: this.#facts?.dialect ?? 'plain', prefixReuse: this.#wanted?.prefixReuse ?? true }),
      isUp: async () => {
        await this.#health.checkNow()
        return this.#current.kind === 'loaded'
      },
      onServed: () => void (this.#crashes = 0),
      onFailed: (error) => this.#jobFailed(error),
    })
  }

  async load(file: ModelFile, { prefixReuse }: EngineSettings): Promise<LoadedModel> {
    const wanted: Wanted = { file, prefixReuse }
    this.#wanted = wanted
    if (this.#current.kind !== 'loaded') this.#set({ kind: 'starting', attempt: 1 })
    try {
      await this.#describe()
      if (this.#wanted !== wanted) throw fail('remote.letGo')
      const model = this.#model(file)
      this.#set({ kind: 'loaded', model })
      return model
    } catch (error) {
      // The pool may go on without it; it is checked again until the pool unloads it.
      if (this.#wanted === wanted) this.#set({ kind: 'backoff', until: this.#deps.clock.now(), attempt: 1 })
      throw error
    } finally {
      if (this.#wanted === wanted) this.#health.start()
    }
  }

  async unload(): Promise<void> {
    this.#end('remote.letGoUnder')
    this.#set({ kind: 'ready' })
  }

  submit(jobId: string, request: EngineRequest, events: EngineEvents, { deadlineMs }: SubmitOptions = {}): void {
    if (this.#current.kind !== 'loaded') events.onError(failValue('remote.notReady', { host: this.#host }))
    else this.#jobs.start(jobId, request, events, deadlineMs)
  }

  cancel(jobId: string): void {
    this.#jobs.cancel(jobId)
  }

  embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; promptTokens: number }> {
    return embed(this.#connection, this.#deps.pool.model, texts, signal)
  }

  stats(): EngineStats {
    const { running, tokensPerSecond, speed, waitingPromptTokens, cachedTokens, promptTokens } = this.#jobs.stats()
    const slots = this.#slots()
    const state = this.#current.kind === 'backoff' ? 'unreachable' : this.#current.kind
    const process = { pid: null, name: this.#host, state, rssBytes: 0, running, slots, threads: 0 } as const
    return {
      running,
      queued: 0,
      slots,
      tokensPerSecond,
      rssBytes: 0,
      pid: null,
      speed,
      waitingPromptTokens,
      cachedTokens,
      promptTokens,
      processes: [process],
    }
  }

  state(): EngineState {
    return this.#current
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  capacity(): number {
    return this.#deps.clock.mono() < this.#pausedUntil ? 0 : this.#slots()
  }

  async retry(): Promise<void> {
    if (this.#wanted !== null) await this.#health.checkNow()
  }

  async stop(): Promise<void> {
    this.#end('engine.stoppedWhileRunning')
    this.#set({ kind: 'stopped' })
  }

  #end(code: 'engine.stoppedWhileRunning' | 'remote.letGoUnder'): void {
    this.#wanted = null
    this.#health.stop()
    this.#jobs.failAll(failValue(code))
  }

  /** As many as the owner allows, and no more than the server has, if it says so. */
  #slots(): number {
    return Math.min(this.#deps.endpoint.slots, this.#facts?.slots ?? Number.POSITIVE_INFINITY)
  }

  #model({ sha256 }: ModelFile): LoadedModel {
    const { contextTokens } = this.#deps.pool
    return {
      sha256,
      contextTokens: Math.min(contextTokens, this.#facts?.contextTokens ?? contextTokens),
      slots: this.#slots(),
      engine: this.#facts?.engine ?? 'OpenAI-compatible',
      device: this.#host,
    }
  }

  async #describe(): Promise<void> {
    const facts = await describeServer(this.#connection, this.#deps.pool.model)
    this.#mustOffer(facts.models)
    this.#facts = facts
  }

  #mustOffer(models: readonly { id: string }[]): void {
    const { model } = this.#deps.pool
    if (!models.some(({ id }) => sameModel(id, model))) throw notOffered(this.#host, models, model)
  }

  /** After a failure it may be another server, with other slots. */
  async #check(): Promise<void> {
    if (this.#current.kind !== 'loaded') return this.#describe()
    if (this.#facts?.hasHealth === true) await isHealthy(this.#connection)
    this.#mustOffer(await offeredModels(this.#connection))
  }

  #cameUp(): void {
    this.#crashes = 0
    if (this.#wanted === null) return
    this.#deps.log.info({ endpoint: this.#host }, 'the endpoint is back')
    this.#set({ kind: 'loaded', model: this.#model(this.#wanted.file) })
  }

  #wentDown(error: unknown, attempt: number, nextInMs: number): void {
    if (this.#wanted === null) return
    if (this.#current.kind === 'loaded')
      this.#deps.log.warn(
        { endpoint: this.#host, code: toErrorValue(error).code },
        'the endpoint is not well; it gets no jobs until it is',
      )
    this.#set({ kind: 'backoff', until: this.#deps.clock.now() + nextInMs, attempt })
  }

  /** A server that fails fast always has free slots, and would get every job. */
  #jobFailed({ code, data }: ErrorValue): void {
    const retryAfter = data['retryAfterMs']
    if (code === 'ENGINE_BUSY') this.#pause(typeof retryAfter === 'number' ? retryAfter : CRASH_PAUSE_MS)
    else if (data['endpoint'] === true) {
      this.#pause(ENDPOINT_PAUSE_MS)
      void this.#health.checkNow()
    } else if (code === 'ENGINE_CRASHED') {
      this.#crashes += 1
      if (this.#crashes > 1)
        this.#pause(Math.min(CRASH_PAUSE_MAX_MS, CRASH_PAUSE_MS * 2 ** Math.min(this.#crashes - 2, 8)))
    }
  }

  #pause(ms: number): void {
    const { clock } = this.#deps
    this.#pausedUntil = Math.max(this.#pausedUntil, clock.mono() + ms)
    // At its end the pool sends waiting jobs.
    void clock.sleep(ms, { unref: true }).then(() => this.#tell())
  }

  #set(state: EngineState): void {
    this.#current = state
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.#current)
  }
}

/** Error BAD_REQUEST for an invalid URL. */
export const createRemoteMember = (deps: RemoteMemberDeps): MemberEngine => new RemoteMember(deps)
