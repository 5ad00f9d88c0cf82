/**
 * The core's side of an engine host: sends it jobs and remembers its model. A crash ends the host's jobs with
 * ENGINE_CRASHED. The host is restarted (supervisor.ts), loads the model again, and gets the jobs that waited.
 */
import { type ErrorValue, fail, failValue, StokerError } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type {
  EngineEvents,
  EngineGpu,
  EnginePort,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelFile,
  ModelInspection,
  SubmitOptions,
  WarmUpProgress,
} from '#core/engine/engine.port.ts'
import type { Log } from '#lib/log.ts'
import { serial } from '#lib/serial.ts'

import { createClientJobs, type ClientJobs } from './client-jobs.ts'
import { createHostPulse, type HostPulse } from './host-pulse.ts'
import {
  EMBED_TEXTS_MAX,
  JOB_KEY_MAX,
  QUEUE_MAX,
  type Embedded,
  type EngineHostEvent,
  type HostStats,
} from '../protocol.ts'
import { Supervisor, type ForkedHost, type RunningHost } from './supervisor.ts'

export type { ForkedHost } from './supervisor.ts'

export interface LocalMemberDeps {
  fork: () => ForkedHost
  clock: Clock
  log: Log
  /** Uniform on [0, 1), for the jitter of pauses. */
  random?: () => number
}

const INSPECT_MS = 60_000
/** Large models come from slow disks. */
const LOAD_MS = 900_000
/** 256 long texts on a slow machine. */
const EMBED_MS = 300_000
const IDLE_STATS: HostStats = {
  running: 0,
  queued: 0,
  slots: 0,
  tokensPerSecond: 0,
  rssBytes: 0,
  speed: { promptTokensPerSecond: null, perStream: [] },
  waitingPromptTokens: 0,
  cachedTokens: 0,
  promptTokens: 0,
  threads: 0,
}

/** One local process behind the port; a deployment is a pool of them (pool.ts). */
export interface LocalMember extends EnginePort {
  /** Reads a file's header in the host. Errors: MODEL_*, ENGINE_CRASHED, ENGINE_BROKEN. */
  inspect(path: string, settings?: Partial<EngineSettings>): Promise<ModelInspection>
  /** GPUs that its process sees and llama.cpp would offload layers to. Errors: ENGINE_CRASHED, ENGINE_BROKEN. */
  gpus(): Promise<EngineGpu[]>
  /**
   * Most threads of this process from the next step on; a load resets it to the settings, a restart after a crash does
   * not.
   */
  setThreadLimit(threads: number): void
}

interface Wanted {
  file: ModelFile
  settings: EngineSettings
  loaded: LoadedModel | null
}

const sameFile = (a: ModelFile, b: ModelFile): boolean => a.path === b.path && a.sha256 === b.sha256
const SETTINGS = [
  'contextTokens',
  'slots',
  'threads',
  'gpuLayers',
  'processes',
  'gpus',
  'kvType',
  'flashAttention',
  'batchTokens',
  'savedPrefixBytes',
  'prefixReuse',
] as const
const sameSettings = (a: EngineSettings, b: EngineSettings): boolean => SETTINGS.every((name) => a[name] === b[name])

class Engine implements LocalMember {
  readonly #supervisor: Supervisor
  readonly #jobs: ClientJobs
  readonly #pulse: HostPulse
  readonly #listeners = new Set<(state: EngineState) => void>()
  #current: EngineState = { kind: 'stopped' }
  /** What is to be loaded, also after a crash. */
  #wanted: Wanted | null = null
  /** A load waits for a host, or failed with the one that started for it: it is told when one is ready. */
  #loadWaits = false
  /** Loads and unloads, in order. */
  readonly #turns = serial()
  #hostStats = IDLE_STATS
  #threadLimit: number | null = null

  constructor({ fork, clock, log, random }: LocalMemberDeps) {
    this.#supervisor = new Supervisor({
      fork,
      clock,
      log,
      onState: (state) => this.#set(state),
      onEvent: (event) => this.#onEvent(event),
      prepare: (running) => this.#prepare(running),
      onCrash: () => this.#onCrash(),
      isBusy: () => this.#jobs.sent > 0,
      ...(random === undefined ? {} : { random }),
    })
    this.#pulse = createHostPulse({
      clock,
      ping: (n) => this.#supervisor.running?.host.channel.send({ t: 'ping', n }),
    })
    this.#jobs = createClientJobs({ mono: () => clock.mono(), onFinished: () => this.#supervisor.succeeded() })
  }

  async inspect(path: string, settings: Partial<EngineSettings> = {}): Promise<ModelInspection> {
    const { calls } = await this.#supervisor.started()
    return (await calls.call((id) => ({ t: 'inspect', id, path, settings }), INSPECT_MS)) as ModelInspection
  }

  async gpus(): Promise<EngineGpu[]> {
    const { calls } = await this.#supervisor.started()
    return (await calls.call((id) => ({ t: 'gpus', id }), INSPECT_MS)) as EngineGpu[]
  }

  load(file: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    return this.#turns.run(async () => {
      const already = (): LoadedModel | null =>
        this.#wanted !== null && sameFile(this.#wanted.file, file) && sameSettings(this.#wanted.settings, settings)
          ? this.#wanted.loaded
          : null
      const before = already()
      if (before !== null) return before
      this.#loadWaits = true
      const running = await this.#supervisor.started()
      this.#loadWaits = false
      // A restart may have loaded it meanwhile.
      const after = already()
      if (after !== null) return after
      this.#threadLimit = null
      this.#wanted = { file, settings: { ...settings }, loaded: null }
      return this.#sendLoad(running, this.#wanted)
    })
  }

  unload(): Promise<void> {
    return this.#turns.run(async () => {
      this.#wanted = null
      this.#loadWaits = false
      await this.#supervisor.settled()
      const { running } = this.#supervisor
      if (running === null) return
      await running.calls.call((id) => ({ t: 'unload', id }), LOAD_MS)
      this.#set({ kind: 'ready' })
    })
  }

  setThreadLimit(threads: number): void {
    this.#threadLimit = Math.max(1, Math.round(threads))
    this.#sendThreadLimit()
  }

  submit(jobId: string, request: EngineRequest, events: EngineEvents, options: SubmitOptions = {}): void {
    const refusal = this.#refusal(jobId)
    if (refusal !== null) {
      events.onError(refusal)
      return
    }
    this.#jobs.add(jobId, request, events, options)
    const { running } = this.#supervisor
    if (running !== null && this.#isLoaded()) this.#sendHeld(running)
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded> {
    if (texts.length > EMBED_TEXTS_MAX) throw fail('embed.tooMany', { max: EMBED_TEXTS_MAX })
    if (this.#wanted === null) throw fail('engine.notLoaded')
    const { calls } = await this.#supervisor.started()
    const cancel =
      signal === undefined ? undefined : { signal, make: (call: number) => ({ t: 'cancel-embed', call }) as const }
    return (await calls.call((id) => ({ t: 'embed', id, texts }), EMBED_MS, cancel)) as Embedded
  }

  cancel(jobId: string): void {
    this.#jobs.cancel(jobId, this.#supervisor.running?.host.channel ?? null)
  }

  stats(): EngineStats {
    const { threads, ...stats } = this.#hostStats
    const pid = this.#supervisor.running?.host.pid ?? null
    const { running, slots, rssBytes } = stats
    const silentMs = this.#pulse.silentMs()
    const state = silentMs === 0 ? this.#current.kind : 'unreachable'
    return {
      ...stats,
      pid,
      silentMs,
      processes: pid === null ? [] : [{ pid, name: 'process 1 of 1', state, rssBytes, running, slots, threads }],
    }
  }

  state(): EngineState {
    return this.#current
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  retry(): Promise<void> {
    return this.#supervisor.retry()
  }

  async stop(): Promise<void> {
    this.#wanted = null
    this.#loadWaits = false
    this.#jobs.failAll(failValue('engine.stoppedWhileRunning'))
    await this.#supervisor.stop()
    this.#hostStats = IDLE_STATS
  }

  #refusal(jobId: string): ErrorValue | null {
    if (jobId === '' || jobId.length > JOB_KEY_MAX) return failValue('engine.jobId', { max: JOB_KEY_MAX })
    if (this.#jobs.has(jobId)) return failValue('engine.sameJob')
    if (this.#current.kind === 'broken') return failValue('engine.broken', { reason: this.#current.reason })
    if (this.#wanted === null) return failValue('engine.notLoaded')
    const { slots } = this.#wanted.settings
    return this.#jobs.size < slots + QUEUE_MAX ? null : failValue('engine.queueFull', { slots, waiting: QUEUE_MAX })
  }

  #isLoaded(): boolean {
    return this.#wanted !== null && this.#wanted.loaded !== null
  }

  #sendHeld(running: RunningHost): void {
    this.#jobs.sendHeld(running.host.channel)
    running.watch()
  }

  #sendThreadLimit(): void {
    const channel = this.#supervisor.running?.host.channel
    if (this.#threadLimit !== null && this.#isLoaded() && channel?.isOpen === true)
      channel.send({ t: 'threads', limit: Math.min(256, this.#threadLimit) })
  }

  #set(state: EngineState): void {
    this.#current = state
    if (state.kind === 'loaded') this.#pulse.begin()
    else this.#pulse.end()
    if (state.kind === 'broken') this.#jobs.failAll(failValue('engine.broken', { reason: state.reason }))
    for (const listener of this.#listeners) listener(state)
  }

  #onEvent(event: EngineHostEvent): void {
    if (event.t === 'stats') this.#hostStats = event.stats
    else if (event.t === 'warming') this.#onWarming(event)
    else if (event.t === 'pong') this.#pulse.answered(event.n)
    else if (event.t === 'deltas' || event.t === 'done' || event.t === 'error') this.#jobs.handle(event)
  }

  /** Its model is not there for jobs before the load's answer. */
  #onWarming({ done, of }: WarmUpProgress): void {
    if (this.#wanted?.loaded === null) this.#set({ kind: 'starting', attempt: 1, warmUp: { done, of } })
  }

  /** A host with a model, or with one to come, is restarted at once; an idle one when it is needed. */
  #onCrash(): boolean {
    this.#hostStats = IDLE_STATS
    if (this.#wanted !== null) this.#wanted.loaded = null
    this.#jobs.failSent(failValue('engine.crashed'))
    return this.#wanted !== null || this.#loadWaits
  }

  async #prepare(running: RunningHost): Promise<void> {
    this.#loadWaits = false
    if (this.#wanted === null) this.#set({ kind: 'ready' })
    else await this.#sendLoad(running, this.#wanted)
  }

  async #sendLoad(running: RunningHost, target: Wanted): Promise<LoadedModel> {
    const { file, settings } = target
    try {
      // The host has no memory of what it had loaded: whether the file still is the one that was hashed is the core's
      // to say.
      await file.check?.()
      const model = (await running.calls.call(
        (id) => ({ t: 'load', id, path: file.path, sha256: file.sha256, settings }),
        LOAD_MS,
      )) as LoadedModel
      if (this.#wanted === target) {
        target.loaded = model
        this.#set({ kind: 'loaded', model })
        this.#sendThreadLimit()
        this.#sendHeld(running)
      }
      return model
    } catch (error) {
      // Refused by a host that still runs: nothing is loaded now, and this model is no longer wanted.
      if (this.#supervisor.running === running && this.#wanted === target) {
        this.#wanted = null
        this.#jobs.failAll(failValue('engine.loadFailedUnder'))
        this.#set({ kind: 'ready' })
      }
      throw error instanceof StokerError ? error : fail('engine.loadFailed', {}, { cause: error })
    }
  }
}

/** A supervised engine process behind the port. `fork` starts a host process (fork-child.ts, or the desktop shell). */
export const createLocalMember = (deps: LocalMemberDeps): LocalMember => new Engine(deps)
