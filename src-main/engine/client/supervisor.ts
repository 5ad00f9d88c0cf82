/**
 * The host process of an engine under the one supervisor (lib/supervise): started when needed, restarted after a crash
 * with a back-off, given up after three crashes without a success in between, stopped on request.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import type { Log } from '#lib/log.ts'
import { SupervisedChild, type ChildState, type LifeSigns, type SupervisedLife } from '#lib/supervise.ts'

import { createHostCalls, type HostCalls } from './client-calls.ts'
import type { EngineHostEvent } from '../protocol.ts'

/** A started host process, whoever forked it. */
export interface ForkedHost {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Called once; at once if the process has exited. */
  onExit(listener: (how: { code: number | null; signal: string | null; words?: string }) => void): void
}

/** The host process that runs, with the calls in progress. */
export interface RunningHost {
  host: ForkedHost
  calls: HostCalls
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
  /** Uniform on [0, 1), for the jitter of pauses. */
  random?: () => number
}

const crashed = (): StokerError => fail('engine.crashed')

type HostLife = SupervisedLife & RunningHost

export class Supervisor {
  readonly #deps: SupervisorDeps
  readonly #child: SupervisedChild<HostLife>

  constructor(deps: SupervisorDeps) {
    this.#deps = deps
    const { clock, log, prepare, isBusy, onCrash, random } = deps
    this.#child = new SupervisedChild<HostLife>({
      name: 'engine host',
      policy: CHILD_POLICIES.engine,
      clock,
      log,
      ...(random === undefined ? {} : { random }),
      start: (signs) => this.#start(signs),
      prepare,
      hasWork: isBusy,
      failed: (_end, givenUp) => (givenUp ? fail('engine.broken', { reason: this.#brokenReason() }) : crashed()),
      onState: (state) => this.#onState(state),
      onEnd: onCrash,
    })
  }

  get running(): RunningHost | null {
    return this.#child.running
  }

  /** The host, started and prepared. Rejects with ENGINE_BROKEN, ENGINE_CRASHED, or what prepare throws. */
  started(): Promise<RunningHost> {
    return this.#child.started()
  }

  /** Resolves when no start is in progress, whether it succeeded or not. */
  settled(): Promise<void> {
    return this.#child.settled()
  }

  /** The host finished a job: earlier crashes no longer count. */
  succeeded(): void {
    this.#child.succeeded()
  }

  retry(): Promise<void> {
    return this.#child.retry()
  }

  /** Ends it in the policy's time. It is not restarted until it is needed again. */
  async stop(): Promise<void> {
    await this.#child.stop()
  }

  #start(signs: LifeSigns): HostLife {
    const host = this.#deps.fork()
    const calls = createHostCalls((message) => host.channel.send(message), this.#deps.clock)
    const life: HostLife = {
      host,
      calls,
      watch: () => signs.working(),
      pid: host.pid,
      ask: () => host.channel.isOpen && host.channel.send({ t: 'stop' }),
      kill: () => host.kill('SIGKILL'),
      onExit: (listener) => host.onExit(listener),
    }
    // Before the supervisor hears of it, which starts the next one: no call of this host waits then.
    host.onExit(() => calls.failAll(crashed()))
    host.channel.onMessage((message) => {
      const event = message as EngineHostEvent
      // It answers a ping, and its steps may hang all the same.
      if (event.t !== 'pong') signs.heard()
      if (event.t === 'ready') signs.ready()
      else if (event.t === 'result' || event.t === 'failed') calls.settle(event)
      else this.#deps.onEvent(event, life)
    })
    return life
  }

  #brokenReason(): Reason {
    const { state } = this.#child
    return state.kind === 'givenUp' && state.last.cause !== 'unstartable'
      ? because('engine.crashedOften', { crashes: state.failures })
      : because('engine.cannotStart')
  }

  /** What it says of a host that runs is the client's to tell: whether it holds a model. */
  #onState(state: ChildState): void {
    const { onState } = this.#deps
    if (state.kind === 'starting') onState({ kind: 'starting', attempt: state.attempt })
    else if (state.kind === 'backoff') onState({ kind: 'backoff', until: state.until, attempt: state.attempt })
    else if (state.kind === 'givenUp') onState({ kind: 'broken', reason: this.#brokenReason() })
    else if (state.kind === 'idle' || state.kind === 'ended') onState({ kind: 'stopped' })
  }
}
