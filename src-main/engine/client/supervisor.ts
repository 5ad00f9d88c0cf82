/**
 * The life of the host process: started when needed, restarted after a crash with a back-off, given up after three
 * crashes without a success in between, ended on request. Never two at once: a new one waits for the end of the last.
 */
import { StokerError } from '#contract/errors.ts'
import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'
import { CHILD_POLICIES, endChild, pauseAfter } from '#lib/supervise.ts'
import { within } from '#lib/within.ts'

import { createCalls, type Calls } from './client-calls.ts'
import type { HostEvent } from '../protocol.ts'
import { createWatchdog } from './host-watchdog.ts'

/** A started host process, whoever forked it. */
export interface ForkedHost {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Once, at once if it is over. */
  onExit(listener: (how: { code: number | null; signal: string | null }) => void): void
}

/** The one host that is there, with the calls under way in it. */
export interface Running {
  host: ForkedHost
  calls: Calls
  exited: Promise<void>
  /** Jobs were sent: silence from now on ends the host. */
  watch(): void
}

type SupervisorState =
  | { kind: 'stopped' }
  | { kind: 'starting'; attempt: number }
  | { kind: 'backoff'; until: number; attempt: number }
  | { kind: 'broken'; reason: string }

export interface SupervisorOptions {
  fork: () => ForkedHost
  clock: Clock
  log: Log
  onState: (state: SupervisorState) => void
  onEvent: (event: HostEvent, current: Running) => void
  /** Part of starting: loads the wanted model into a fresh host. */
  prepare: (current: Running) => Promise<void>
  /** Unexpected end of a host; true to have the next started at once (after the back-off). */
  onCrash: () => boolean
  /** Jobs are in the host. */
  isBusy: () => boolean
  /** Longest silence of a host that has jobs, ms; 60 s when left out. */
  silenceMs?: number
}

const POLICY = CHILD_POLICIES.engine

export const CRASHED =
  'The engine stopped unexpectedly while this was running. It restarts by itself; send the request again.'
const crashed = (): StokerError => new StokerError('ENGINE_CRASHED', CRASHED)

export class Supervisor {
  readonly #options: SupervisorOptions
  #current: Running | null = null
  #starting: Promise<Running> | null = null
  #previousEnd: Promise<void> = Promise.resolve()
  #lifetime = new AbortController()
  #crashes = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #brokenReason: string | null = null
  /** What onCrash said of the last crash. */
  #wantsRestart = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get running(): Running | null {
    return this.#current
  }

  /** The host, started and prepared. Rejects with ENGINE_BROKEN, ENGINE_CRASHED, or what prepare throws. */
  started(): Promise<Running> {
    if (this.#brokenReason !== null) return Promise.reject(new StokerError('ENGINE_BROKEN', this.#brokenReason))
    if (this.#starting !== null) return this.#starting
    if (this.#current !== null) return Promise.resolve(this.#current)
    const starting = this.#start().finally(() => {
      this.#starting = null
    })
    this.#starting = starting
    // A crash on the way asked for the next start, which had to wait for this one to fail.
    starting.catch(() => this.#restart())
    return starting
  }

  /** Resolves when no start is under way, however it went. */
  async settled(): Promise<void> {
    await this.#starting?.catch(() => undefined)
  }

  /** The host did what it is for: earlier crashes no longer count. */
  succeeded(): void {
    this.#crashes = 0
  }

  async retry(): Promise<void> {
    if (this.#brokenReason === null) return
    this.#forgive()
    await this.started()
  }

  /** Asks, waits 600 ms, kills. Nothing restarts afterwards until it is needed again. */
  async stop(): Promise<void> {
    this.#lifetime.abort(crashed())
    const current = this.#current
    if (current !== null) {
      const { host, exited } = current
      await endChild(this.#options.clock, exited, POLICY.end, {
        ask: () => host.channel.isOpen && host.channel.send({ t: 'stop' }),
        kill: () => host.kill('SIGKILL'),
      })
      await exited
    }
    await this.settled()
    this.#lifetime = new AbortController()
    this.#forgive()
    this.#options.onState({ kind: 'stopped' })
  }

  #forgive(): void {
    this.#crashes = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
    this.#brokenReason = null
  }

  async #start(): Promise<Running> {
    const { signal } = this.#lifetime
    await this.#previousEnd
    await this.#backOff(signal)
    if (signal.aborted) throw crashed()
    this.#options.onState({ kind: 'starting', attempt: this.#crashes + 1 })
    const current = await this.#spawn()
    await this.#options.prepare(current)
    return current
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock, onState } = this.#options
    const wait = this.#retryAt - clock.mono()
    if (wait <= 0) return
    onState({ kind: 'backoff', until: clock.now() + wait, attempt: this.#crashes })
    await clock.sleep(wait, { signal })
  }

  async #spawn(): Promise<Running> {
    const { fork, clock, onEvent } = this.#options
    const host = this.#forkOrBreak(fork)
    const ready = Promise.withResolvers<boolean>()
    const watchdog = createWatchdog({
      clock,
      silenceMs: this.#options.silenceMs ?? POLICY.silenceMs,
      isBusy: this.#options.isBusy,
      kill: () => this.#killSilent(host),
    })
    const calls = createCalls((message) => host.channel.send(message), clock)
    const current: Running = {
      host,
      calls,
      exited: new Promise((resolve) => host.onExit(() => resolve())),
      watch: () => watchdog.watch(),
    }
    this.#current = current
    this.#previousEnd = current.exited
    host.channel.onMessage((message) => {
      const event = message as HostEvent
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
    this.#options.log.error({ pid: host.pid }, 'the engine host has jobs and says nothing; it is killed')
    host.kill('SIGKILL')
  }

  #forkOrBreak(fork: () => ForkedHost): ForkedHost {
    try {
      return fork()
    } catch (error) {
      this.#options.log.error({ err: error }, 'the engine host could not be started')
      this.#breakNow('The engine process could not be started; the log says why. Free some memory, then retry.')
      throw new StokerError('ENGINE_BROKEN', this.#brokenReason ?? '')
    }
  }

  #ended(current: Running, how: { code: number | null; signal: string | null }): void {
    current.calls.failAll(crashed())
    this.#current = null
    if (this.#lifetime.signal.aborted) return
    this.#crashes += 1
    this.#options.log.warn(
      { code: how.code, signal: how.signal, crashes: this.#crashes },
      'the engine host ended unexpectedly',
    )
    if (this.#crashes >= POLICY.failuresMax)
      this.#breakNow(
        `The engine stopped unexpectedly ${this.#crashes} times in a row. Try a smaller model or other settings, then retry.`,
      )
    else this.#retryAt = this.#options.clock.mono() + pauseAfter(POLICY, this.#crashes)
    this.#wantsRestart = this.#options.onCrash()
    this.#restart()
  }

  #restart(): void {
    if (
      this.#brokenReason !== null ||
      this.#starting !== null ||
      this.#current !== null ||
      this.#lifetime.signal.aborted
    )
      return
    if (this.#wantsRestart) this.started().catch(() => undefined)
    else this.#options.onState({ kind: 'stopped' })
  }

  #breakNow(reason: string): void {
    this.#brokenReason = reason
    this.#options.onState({ kind: 'broken', reason })
  }
}
