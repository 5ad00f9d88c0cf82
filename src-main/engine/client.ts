/**
 * The core's side of an engine host: starts it when first needed, gives it work, and supervises it. A crash ends its jobs with
 * ENGINE_CRASHED; it is restarted with a back-off and loads its model again; after three crashes without a finished job in between only
 * the owner's retry starts it (ENGINE_BROKEN). Never two hosts at once.
 */
import type { Channel } from '#contract/channel/channel.ts'
import { StokerError, type ErrorCode } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { EnginePort, EngineSettings, EngineState, LoadedModel, ModelInspection } from '#core/engine/engine.port.ts'
import type { Log } from '#lib/log.ts'

import { createCalls, type Calls } from './client-calls.ts'
import { createClientJobs } from './client-jobs.ts'
import { QUEUE_MAX, type HostEvent, type HostStats } from './protocol.ts'

/** A started host process, whoever forked it. */
export interface ForkedHost {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Once, at once if it is over. */
  onExit(listener: (how: { code: number | null; signal: string | null }) => void): void
}

export interface EngineOptions { fork: () => ForkedHost; clock: Clock; log: Log }

/** From the fork to the host's first message. */
const READY_MS = 20_000
const INSPECT_MS = 60_000
/** Large models come from slow disks. */
const LOAD_MS = 900_000
const STOP_MS = 1_000
const BACKOFF_MS = [250, 1_000, 4_000] as const
const CRASHES_MAX = 3
const IDLE_STATS: HostStats = { running: 0, queued: 0, slots: 0, tokensPerSecond: 0, rssBytes: 0 }

interface Running { host: ForkedHost; calls: Calls; exited: Promise<void> }
interface Wanted { path: string; sha256: LoadedModel['sha256']; settings: EngineSettings; loaded: LoadedModel | null }

const sameSettings = (a: EngineSettings, b: EngineSettings): boolean =>
  a.contextTokens === b.contextTokens && a.slots === b.slots && a.threads === b.threads && a.gpuLayers === b.gpuLayers && a.prefixReuse === b.prefixReuse

const engineError = (code: ErrorCode, message: string): StokerError => new StokerError(code, message)
const CRASHED = 'The engine stopped unexpectedly while this was running. It restarts by itself; send the request again.'
const STOPPED = 'The engine was stopped while this job was in it. Start it and send the request again.'

export function createEngine({ fork, clock, log }: EngineOptions): EnginePort {
  const listeners = new Set<(state: EngineState) => void>()
  let state: EngineState = { kind: 'stopped' }
  let running: Running | null = null
  let starting: Promise<Running> | null = null
  /** The last host's end: the next waits for it. */
  let previousEnd: Promise<void> = Promise.resolve()
  let wanted: Wanted | null = null
  /** Loads and unloads, in order. */
  let turn: Promise<unknown> = Promise.resolve()
  let crashes = 0
  let retryAt = 0
  let stats = IDLE_STATS
  let lifetime = new AbortController()
  const jobs = createClientJobs({ onFinished: () => { crashes = 0 } })

  function set(next: EngineState): void {
    state = next
    for (const listener of listeners) listener(next)
  }

  function onEvent(current: Running, event: HostEvent): void {
    if (event.t === 'stats') stats = event.stats
    else if (event.t === 'result' || event.t === 'failed') current.calls.settle(event)
    else if (event.t !== 'ready') jobs.handle(event)
  }

  function onExit(current: Running, how: { code: number | null; signal: string | null }): void {
    current.calls.failAll(engineError('ENGINE_CRASHED', CRASHED))
    if (running === current) running = null
    stats = IDLE_STATS
    if (lifetime.signal.aborted) return
    crashes += 1
    jobs.failSent({ code: 'ENGINE_CRASHED', message: CRASHED, data: {} })
    if (wanted !== null) wanted.loaded = null
    log.warn({ code: how.code, signal: how.signal, crashes }, 'the engine host ended unexpectedly')
    if (crashes >= CRASHES_MAX) breakNow(`The engine stopped unexpectedly ${crashes} times in a row. Try a smaller model or other settings, then retry.`)
    else {
      retryAt = clock.mono() + (BACKOFF_MS[crashes - 1] ?? BACKOFF_MS[2])
      // A host that was loaded comes back by itself; an idle one when it is needed.
      if (wanted !== null) void started().catch(() => undefined)
      else set({ kind: 'stopped' })
    }
  }

  function breakNow(reason: string): void {
    set({ kind: 'broken', reason })
    jobs.failHeld({ code: 'ENGINE_BROKEN', message: reason, data: {} })
  }

  async function waitForReady(host: ForkedHost): Promise<Running> {
    let gone: (() => void) | null = null
    const exited = new Promise<void>((resolve) => host.onExit(() => resolve()))
    previousEnd = exited
    const current: Running = { host, calls: createCalls((message) => host.channel.send(message), clock), exited }
    running = current
    const ready = new Promise<boolean>((resolve) => {
      gone = () => resolve(false)
      host.channel.onMessage((message) => {
        const event = message as HostEvent
        if (event.t === 'ready') resolve(true)
        onEvent(current, event)
      })
    })
    host.onExit((how) => {
      gone?.()
      onExit(current, how)
    })
    const deadline = new AbortController()
    const late = clock.sleep(READY_MS, { signal: deadline.signal, unref: true }).then(() => host.kill('SIGKILL')).catch(() => undefined)
    const isReady = await ready
    deadline.abort()
    await late
    if (!isReady) throw engineError('ENGINE_CRASHED', CRASHED)
    return current
  }

  async function start(): Promise<Running> {
    const { signal } = lifetime
    await previousEnd
    const wait = retryAt - clock.mono()
    if (wait > 0) {
      set({ kind: 'backoff', until: clock.now() + wait, attempt: crashes })
      await clock.sleep(wait, { signal, unref: true })
    }
    if (signal.aborted) throw engineError('ENGINE_CRASHED', STOPPED)
    set({ kind: 'starting', attempt: crashes + 1 })
    let host: ForkedHost
    try {
      host = fork()
    } catch (error) {
      log.error({ err: error }, 'the engine host could not be started')
      breakNow('The engine process could not be started; the log says why. Free some memory, then retry.')
      throw engineError('ENGINE_BROKEN', 'The engine process could not be started; the log says why. Free some memory, then retry.')
    }
    const current = await waitForReady(host)
    if (wanted === null) set({ kind: 'ready' })
    else await sendLoad(current, wanted)
    return current
  }

  /** The one running host, started and with its model loaded. */
  function started(): Promise<Running> {
    if (state.kind === 'broken') return Promise.reject(engineError('ENGINE_BROKEN', state.reason))
    if (starting !== null) return starting
    if (running !== null) return Promise.resolve(running)
    starting = start().finally(() => { starting = null })
    starting.catch(() => {
      // A crash while starting asked for a restart that had to wait for this one to fail.
      if (!lifetime.signal.aborted && running === null && wanted !== null && state.kind !== 'broken') void started().catch(() => undefined)
    })
    return starting
  }

  async function sendLoad(current: Running, target: Wanted): Promise<LoadedModel> {
    try {
      const model = (await current.calls.call((id) => ({ t: 'load', id, path: target.path, sha256: target.sha256, settings: target.settings }), LOAD_MS)) as LoadedModel
      target.loaded = model
      if (wanted === target) set({ kind: 'loaded', model })
      jobs.sendHeld(current.host.channel)
      return model
    } catch (error) {
      // Refused by the host, which lives: nothing is loaded now, and nobody wants this model any more.
      if (running === current) {
        if (wanted === target) wanted = null
        jobs.failHeld({ code: 'ENGINE_NOT_LOADED', message: 'The model could not be loaded. Load another one and send the request again.', data: {} })
        set({ kind: 'ready' })
      }
      throw error
    }
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(work)
    turn = next.catch(() => undefined)
    return next
  }

  async function load(model: { path: string; sha256: LoadedModel['sha256'] }, settings: EngineSettings): Promise<LoadedModel> {
    const already = (): LoadedModel | null => (wanted !== null && wanted.sha256 === model.sha256 && wanted.path === model.path && sameSettings(wanted.settings, settings) ? wanted.loaded : null)
    const before = already()
    if (before !== null) return before
    const current = await started()
    // A restart may have loaded it meanwhile.
    const after = already()
    if (after !== null) return after
    const target: Wanted = { ...model, settings: { ...settings }, loaded: null }
    wanted = target
    return sendLoad(current, target)
  }

  async function end(): Promise<void> {
    lifetime.abort(engineError('ENGINE_CRASHED', STOPPED))
    wanted = null
    jobs.failAll({ code: 'ENGINE_NOT_LOADED', message: STOPPED, data: {} })
    const current = running
    if (current !== null) {
      const patience = new AbortController()
      const killed = clock.sleep(STOP_MS, { signal: patience.signal }).then(() => current.host.kill('SIGKILL')).catch(() => undefined)
      if (current.host.channel.isOpen) current.host.channel.send({ t: 'stop' })
      await current.exited
      patience.abort()
      await killed
    }
    await starting?.catch(() => undefined)
    set({ kind: 'stopped' })
    lifetime = new AbortController()
    crashes = 0
    retryAt = 0
  }

  return {
    inspect: async (path, settings = {}) => {
      const current = await started()
      return (await current.calls.call((id) => ({ t: 'inspect', id, path, settings }), INSPECT_MS)) as ModelInspection
    },
    load: (model, settings) => inTurn(() => load(model, settings)),
    unload: () => inTurn(async () => {
      wanted = null
      await starting?.catch(() => undefined)
      const current = running
      if (current === null) return
      await current.calls.call((id) => ({ t: 'unload', id }), LOAD_MS)
      set({ kind: 'ready' })
    }),
    submit(jobId, request, events) {
      if (jobs.has(jobId)) events.onError({ code: 'CONFLICT', message: 'A job with this id runs already. Give every job its own id.', data: {} })
      else if (state.kind === 'broken') events.onError({ code: 'ENGINE_BROKEN', message: state.reason, data: {} })
      else if (wanted === null) events.onError({ code: 'ENGINE_NOT_LOADED', message: 'No model is loaded. Load one first.', data: {} })
      else if (jobs.size >= wanted.settings.slots + QUEUE_MAX) events.onError({ code: 'ENGINE_BUSY', message: `All ${wanted.settings.slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`, data: {} })
      else {
        jobs.add(jobId, request, events)
        if (running !== null && wanted.loaded !== null) jobs.sendHeld(running.host.channel)
      }
    },
    cancel: (jobId) => jobs.cancel(jobId, running?.host.channel ?? null),
    stats: () => ({ ...stats, pid: running?.host.pid ?? null }),
    state: () => state,
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async retry() {
      if (state.kind !== 'broken') return
      crashes = 0
      retryAt = 0
      set({ kind: 'stopped' })
      await started()
    },
    stop: () => end(),
  }
}

