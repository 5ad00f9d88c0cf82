/**
 * Supervises the host process: started when needed, restarted after a crash with a back-off, given up after three crashes
 * without a success in between, stopped on request. Never two at once: a new one waits for the exit of the last.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'
import { CHILD_POLICIES, endChild, pauseAfter } from '#lib/supervise.ts'
import { within } from '#lib/within.ts'

import { createHostCalls, type HostCalls } from './client-calls.ts'
import type { EngineHostEvent } from '../protocol.ts'
import { createHostWatchdog } from './host-watchdog.ts'

/** A started host process, whoever forked it. */
export interface ForkedHost {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Called once; at once if the process has exited. */
  onExit(listener: (how: { code: number | null; signal: string | null }) => void): void
}

/** The host process that runs, with the calls in progress. */
export interface RunningHost {
  host: ForkedHost
  calls: HostCalls
  exited: Promise<void>
  /** Jobs were sent: silence from now on ends the host. */
  watch(): void
}

type SupervisorState =
  | { kind: 'stopped' }
  | { kind: 'starting'; attempt: number }
  | { kind: 'backoff'; until: number; attempt: number }
  | { kind: 'broken'; reason: Reason }

export interface SupervisorDeps {
  fork: () => ForkedHost
  clock: Clock
  log: Log
  onState: (state: SupervisorState) => void
  onEvent: (event: EngineHostEvent, host: RunningHost) => void
  /** Part of the start: loads the wanted model into the new host. */
  prepare: (host: RunningHost) => Promise<void>
  /** A host exited unexpectedly; true to start the next one, after the back-off. */
  onCrash: () => boolean
  /** Jobs are in the host. */
  isBusy: () => boolean
  /** Longest silence of a host that has jobs, ms; 60 s when left out. */
  silenceMs?: number
}

const POLICY = CHILD_POLICIES.engine

const crashed = (): StokerError => fail('engine.crashed')

export class Supervisor {
  readonly #deps: SupervisorDeps
  #current: RunningHost | null = null
  #starting: Promise<RunningHost> | null = null
  #previousEnd: Promise<void> = Promise.resolve()
  #stopping = new AbortController()
  #crashes = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #brokenReason: Reason | null = null
  /** The result of onCrash for the last crash. */
  #wantsRestart = false

  constructor(deps: SupervisorDeps) {
    this.#deps = deps
  }

  get running(): RunningHost | null {
    return this.#current
  }

  /** The host, started and prepared. Rejects with ENGINE_BROKEN, ENGINE_CRASHED, or what prepare throws. */
  started(): Promise<RunningHost> {
    if (this.#brokenReason !== null) return Promise.reject(fail('engine.broken', { reason: this.#brokenReason }))
    if (this.#starting !== null) return this.#starting
    if (this.#current !== null) return Promise.resolve(this.#current)
    const starting = this.#start().finally(() => {
      this.#starting = null
    })
    this.#starting = starting
    // A crash meanwhile requested the next start, which had to wait until this one failed.
    starting.catch(() => this.#restart())
    return starting
  }

  /** Resolves when no start is in progress, whether it succeeded or not. */
  async settled(): Promise<void> {
    await this.#starting?.catch(() => undefined)
  }

  /** The host finished a job: earlier crashes no longer count. */
  succeeded(): void {
    this.#crashes = 0
  }

  async retry(): Promise<void> {
    if (this.#brokenReason === null) return
    this.#forgive()
    await this.started()
  }

  /** Asks it to stop, waits 600 ms, kills it. It is not restarted until it is needed again. */
  async stop(): Promise<void> {
    this.#stopping.abort(crashed())
    const current = this.#current
    if (current !== null) {
      const { host, exited } = current
      await endChild(this.#deps.clock, exited, POLICY.end, {
        ask: () => host.channel.isOpen && host.channel.send({ t: 'stop' }),
        kill: () => host.kill('SIGKILL'),
      })
      await exited
    }
    await this.settled()
    this.#stopping = new AbortController()
    this.#forgive()
    this.#deps.onState({ kind: 'stopped' })
  }

  #forgive(): void {
    this.#crashes = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
    this.#brokenReason = null
  }

  async #start(): Promise<RunningHost> {
    const { signal } = this.#stopping
    await this.#previousEnd
    await this.#backOff(signal)
    if (signal.aborted) throw crashed()
    this.#deps.onState({ kind: 'starting', attempt: this.#crashes + 1 })
    const current = await this.#spawn()
    await this.#deps.prepare(current)
    return current
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock, onState } = this.#deps
    const wait = this.#retryAt - clock.mono()
    if (wait <= 0) return
    onState({ kind: 'backoff', until: clock.now() + wait, attempt: this.#crashes })
    await clock.sleep(wait, { signal })
  }

  async #spawn(): Promise<RunningHost> {
    const { fork, clock, onEvent } = this.#deps
    const host = this.#forkOrBreak(fork)
    const ready = Promise.withResolvers<boolean>()
    const watchdog = createHostWatchdog({
      clock,
      silenceMs: this.#deps.silenceMs ?? POLICY.silenceMs,
      isBusy: this.#deps.isBusy,
      kill: () => this.#killSilent(host),
    })
    const calls = createHostCalls((message) => host.channel.send(message), clock)
    const current: RunningHost = {
      host,
      calls,
      exited: new Promise((resolve) => host.onExit(() => resolve())),
      watch: () => watchdog.watch(),
    }
    this.#current = current
    this.#previousEnd = current.exited
    host.channel.onMessage((message) => {
      const event = message as EngineHostEvent
      watchdog.heard()
      if (event.t === 'ready') ready.resolve(true)
      else if (event.t === 'result' || event.t === 'failed') current.calls.settle(event)
      else onEvent(event, current)
    })
    host.onExit((how) => {
      ready.resolve(false)
      watchdog.end()
      this.#ended(current, how)
    })
    const readyOrGone = (deadline: AbortSignal): Promise<boolean> => {
      deadline.addEventListener('abort', () => host.kill('SIGKILL'), { once: true })
      return ready.promise
    }
    // Awaited until it is gone: never two hosts at once.
    if (await within(clock, POLICY.readyMs, readyOrGone, crashed, { awaitWork: true })) return current
    throw crashed()
  }

  #killSilent(host: ForkedHost): void {
    this.#deps.log.error({ pid: host.pid }, 'the engine host has jobs and says nothing; it is killed')
    host.kill('SIGKILL')
  }

  #forkOrBreak(fork: () => ForkedHost): ForkedHost {
    try {
      return fork()
    } catch (error) {
      this.#deps.log.error({ err: error }, 'the engine host could not be started')
      const reason = because('engine.cannotStart')
      this.#breakNow(reason)
      throw fail('engine.broken', { reason })
    }
  }

  #ended(current: RunningHost, how: { code: number | null; signal: string | null }): void {
    current.calls.failAll(crashed())
    this.#current = null
    if (this.#stopping.signal.aborted) return
    this.#crashes += 1
    this.#deps.log.warn(
      { code: how.code, signal: how.signal, crashes: this.#crashes },
      'the engine host ended unexpectedly',
    )
    if (this.#crashes >= POLICY.failuresMax) this.#breakNow(because('engine.crashedOften', { crashes: this.#crashes }))
    else this.#retryAt = this.#deps.clock.mono() + pauseAfter(POLICY, this.#crashes)
    this.#wantsRestart = this.#deps.onCrash()
    this.#restart()
  }

  #restart(): void {
    if (
      this.#brokenReason !== null ||
      this.#starting !== null ||
      this.#current !== null ||
      this.#stopping.signal.aborted
    )
      return
    if (this.#wantsRestart) this.started().catch(() => undefined)
    else this.#deps.onState({ kind: 'stopped' })
  }

  #breakNow(reason: Reason): void {
    this.#brokenReason = reason
    this.#deps.onState({ kind: 'broken', reason })
  }
}
