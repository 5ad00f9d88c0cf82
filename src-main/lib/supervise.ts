/**
 * The one supervisor of every child: started, waited for, watched, started again after a pause, given up, ended. What a
 * child is and how it speaks comes in; how long each step may take is the table (child-policies.ts). Never two lives at
 * once: the next waits for the exit of the last.
 */
import type { ChildTask } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'

import { pauseAfter, type ChildPolicy, type EndTimes } from './child-policies.ts'
import { startAgain } from './exit-codes.ts'
import type { Log } from './log.ts'
import { createSilenceWatch, type SilenceWatch } from './silence-watch.ts'

export interface ChildExit {
  readonly code: number | null
  readonly signal: string | null
  /** Its last line on standard error, or the reason that it stated; '' when it said nothing. */
  readonly words?: string
}

/** How a life ended that nobody asked to end. `late`: not ready in time, `silent`: killed for it, `unstartable`: no process. */
export interface ChildEnd extends Required<ChildExit> {
  readonly cause: 'exit' | 'late' | 'silent' | 'unstartable'
}

export type ChildState =
  /** Not started yet, or not needed now. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting'; readonly attempt: number }
  /** It said what with; nothing is late meanwhile. */
  | { readonly kind: 'busy'; readonly task: ChildTask; readonly text: string }
  | { readonly kind: 'ready' }
  /** It should say something and does not; it is killed if that goes on. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'backoff'; readonly until: number; readonly attempt: number; readonly last: ChildEnd | null }
  /** Only `retry` starts it again. */
  | { readonly kind: 'givenUp'; readonly failures: number; readonly last: ChildEnd }
  /** As it was asked to. */
  | { readonly kind: 'ended' }

/** One life of a child, whoever forked it. */
export interface SupervisedLife {
  readonly pid: number | null
  ask?: () => void
  terminate?: () => void
  kill: () => void
  /** Called once; at once if it has exited. */
  onExit(listener: (how: ChildExit) => void): void
}

/** What a life tells of itself. */
export interface LifeSigns {
  ready(): void
  busy(task: ChildTask, text: string): void
  /** Busy no more; it has its whole time again. */
  done(): void
  /** Any message. */
  heard(): void
  /** It was given work: silence counts from now on where it counts with work. */
  working(): void
}

export interface SupervisedOptions<L extends SupervisedLife> {
  /** For the log. */
  readonly name: string
  readonly policy: ChildPolicy
  readonly clock: Clock
  readonly log: Log
  /** Uniform on [0, 1), for the jitter of pauses. */
  readonly random?: () => number
  /** Forks it. What it throws means that no other try would help. */
  readonly start: (signs: LifeSigns) => L
  /** Part of the start once it is ready, without a limit of its own; what it throws fails the start and ends nothing. */
  readonly prepare?: (life: L) => Promise<void>
  /** Awaited after each life, before the next: what the last one left behind is ended. */
  readonly clean?: () => Promise<unknown>
  /** It has work that it should speak of. */
  readonly hasWork?: () => boolean
  /** The error of a start that failed; `null` for one that was called off. */
  readonly failed: (end: ChildEnd | null, givenUp: boolean) => Error
  readonly onState?: (state: ChildState) => void
  /** A life ended that nobody asked to end; false: the next one is started only when it is needed. */
  readonly onEnd?: (end: ChildEnd) => boolean
}

interface Life<L> {
  readonly life: L
  readonly exited: Promise<void>
  readyAt: number | null
  cause: ChildEnd['cause']
  /** Its end was asked for. */
  asked: boolean
}

export class SupervisedChild<L extends SupervisedLife> {
  readonly #options: SupervisedOptions<L>
  #state: ChildState = { kind: 'idle' }
  #current: Life<L> | null = null
  #starting: Promise<L> | null = null
  #previousEnd: Promise<unknown> = Promise.resolve()
  #stopping = new AbortController()
  #failures = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #last: ChildEnd | null = null
  #wasReady = false
  /** What `onEnd` said of the last end. */
  #wantsNext = false

  constructor(options: SupervisedOptions<L>) {
    this.#options = options
  }

  get state(): ChildState {
    return this.#state
  }

  /** The life that runs, ready or not. */
  get running(): L | null {
    return this.#current?.life ?? null
  }

  /** The child, started and prepared; started now when it does not run. Rejects with `failed`, or what `prepare` throws. */
  started(): Promise<L> {
    if (this.#state.kind === 'givenUp') return Promise.reject(this.#options.failed(this.#state.last, true))
    if (this.#starting !== null) return this.#starting
    if (this.#current !== null) return Promise.resolve(this.#current.life)
    const starting = this.#start().finally(() => {
      this.#starting = null
    })
    this.#starting = starting
    // It ended meanwhile and is wanted again, which had to wait until this start failed.
    starting.catch(() => this.#next())
    return starting
  }

  /** Resolves when no start is in progress, whether it succeeded or not. */
  async settled(): Promise<void> {
    await this.#starting?.catch(() => undefined)
  }

  /** It did what it is for: earlier failures no longer count. */
  succeeded(): void {
    this.#failures = 0
  }

  /** Starts one that was given up; does nothing otherwise. */
  async retry(): Promise<void> {
    if (this.#state.kind !== 'givenUp') return
    this.#forgive()
    this.#set({ kind: 'idle' })
    await this.started()
  }

  /**
   * Asks it to end, then tells it, then kills it, each when the last did not help in the policy's time. It is not
   * started again until it is needed. False when the system still holds the process.
   */
  async stop(): Promise<boolean> {
    this.#stopping.abort()
    const current = this.#current
    if (current !== null) current.asked = true
    const gone =
      current === null || (await endChild(this.#options.clock, current.exited, this.#options.policy.end, current.life))
    if (!gone) this.#options.log.error({ name: this.#options.name, pid: current?.life.pid }, 'a killed child stays')
    if (gone) await this.settled()
    this.#stopping = new AbortController()
    this.#forgive()
    this.#set({ kind: 'ended' })
    return gone
  }

  #forgive(): void {
    this.#failures = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
  }

  #set(state: ChildState): void {
    this.#state = state
    this.#options.onState?.(state)
  }

  async #start(): Promise<L> {
    const { failed, prepare } = this.#options
    const { signal } = this.#stopping
    await this.#previousEnd
    await this.#backOff(signal)
    if (signal.aborted) throw failed(null, false)
    this.#set({ kind: 'starting', attempt: this.#failures + 1 })
    const { life, ready } = this.#begin()
    if (!(await ready)) throw failed(signal.aborted ? null : this.#last, this.#state.kind === 'givenUp')
    await prepare?.(life)
    // It may have ended at once.
    if (this.#current?.life !== life) throw failed(signal.aborted ? null : this.#last, this.#state.kind === 'givenUp')
    return life
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock, failed } = this.#options
    const wait = this.#retryAt - clock.mono()
    if (wait <= 0) return
    this.#set({ kind: 'backoff', until: clock.now() + wait, attempt: this.#failures, last: this.#last })
    await clock.sleep(wait, { signal }).catch(() => {
      throw failed(null, false)
    })
  }

  #begin(): { life: L; ready: Promise<boolean> } {
    const { clock, policy, start, log, name } = this.#options
    const ready = Promise.withResolvers<boolean>()
    const over = new AbortController()
    let current: Life<L> | null = null
    const killFor = (cause: ChildEnd['cause'], why: string): void => {
      if (current === null || over.signal.aborted) return
      current.cause = cause
      log.error({ name, pid: current.life.pid }, why)
      current.life.kill()
    }
    const late = createReadyTimer(clock, policy.readyMs, over.signal, () =>
      killFor('late', 'a child is not ready in time; it is killed'),
    )
    const silence = this.#silenceOf(over.signal, () => current, killFor)
    const signs: LifeSigns = {
      ready: () => {
        late.stop()
        ready.resolve(true)
        if (over.signal.aborted) return
        if (current !== null) current.readyAt ??= clock.mono()
        this.#wasReady = true
        silence?.heard()
        if (policy.silence?.counts === 'always') silence?.watch()
        this.#set({ kind: 'ready' })
      },
      busy: (task, text) => {
        late.pause()
        silence?.pause()
        if (!over.signal.aborted) this.#set({ kind: 'busy', task, text })
      },
      done: () => {
        late.resume()
        silence?.resume()
        if (over.signal.aborted || this.#state.kind !== 'busy') return
        this.#set(current?.readyAt == null ? { kind: 'starting', attempt: this.#failures + 1 } : { kind: 'ready' })
      },
      heard: () => silence?.heard(),
      working: () => silence?.watch(),
    }
    const life = this.#fork(start, signs)
    const exited = new Promise<void>((resolve) => life.onExit(() => resolve()))
    current = { life, exited, readyAt: null, cause: 'exit', asked: false }
    this.#current = current
    const ended = current
    this.#previousEnd = exited.then(() => this.#options.clean?.())
    life.onExit((how) => {
      over.abort()
      this.#onExit(ended, how)
      ready.resolve(false)
    })
    return { life, ready: ready.promise }
  }

  #silenceOf(
    over: AbortSignal,
    current: () => Life<L> | null,
    killFor: (cause: ChildEnd['cause'], why: string) => void,
  ): SilenceWatch | null {
    const { clock, policy, hasWork = () => true } = this.#options
    if (policy.silence === null) return null
    return createSilenceWatch({
      clock,
      ...policy.silence,
      signal: over,
      isExpected: hasWork,
      onSilent: () => this.#set({ kind: 'silent' }),
      onHeard: () => {
        if (current()?.readyAt != null) this.#set({ kind: 'ready' })
      },
      onTooLong: () => killFor('silent', 'a child says nothing; it is killed'),
    })
  }

  #fork(start: (signs: LifeSigns) => L, signs: LifeSigns): L {
    try {
      return start(signs)
    } catch (error) {
      const { log, name, failed } = this.#options
      log.error({ name, err: error }, 'a child could not be started')
      this.#last = { code: null, signal: null, words: '', cause: 'unstartable' }
      this.#giveUp(this.#last)
      throw failed(this.#last, true)
    }
  }

  #onExit(ended: Life<L>, how: ChildExit): void {
    if (this.#current === ended) this.#current = null
    if (ended.asked) return
    const { clock, policy, log, name, random = Math.random, onEnd } = this.#options
    const { healthyMs, failuresMax } = policy
    const wasHealthy = healthyMs !== null && ended.readyAt !== null && clock.mono() - ended.readyAt > healthyMs
    this.#failures = wasHealthy ? 1 : this.#failures + 1
    const end: ChildEnd = { words: '', ...how, cause: ended.cause }
    this.#last = end
    log.warn({ name, ...end, failures: this.#failures }, 'a child ended unexpectedly')
    const again = end.cause === 'exit' ? startAgain(end.code) : 'yes'
    const most = this.#wasReady ? failuresMax.later : failuresMax.first
    if (again === 'no' || (again === 'later' && !this.#wasReady) || (most !== null && this.#failures >= most))
      this.#giveUp(end)
    // What the owner has to mend is not there sooner because it is asked for often.
    else this.#retryAt = clock.mono() + pauseAfter(policy, again === 'later' ? Infinity : this.#failures, random)
    this.#wantsNext = onEnd?.(end) ?? true
    this.#next()
  }

  #giveUp(last: ChildEnd): void {
    this.#set({ kind: 'givenUp', failures: this.#failures, last })
  }

  #next(): void {
    if (this.#state.kind === 'givenUp' || this.#starting !== null || this.#current !== null) return
    if (this.#stopping.signal.aborted || this.#state.kind === 'ended') return
    if (this.#wantsNext) this.started().catch(() => undefined)
    else this.#set({ kind: 'idle' })
  }
}

interface ReadyTimer {
  /** It is busy: nothing is late until `resume`. */
  pause(): void
  resume(): void
  stop(): void
}

/** The time that a child has to become ready; ends with the signal. */
function createReadyTimer(clock: Clock, readyMs: number, over: AbortSignal, onLate: () => void): ReadyTimer {
  let timer: AbortController | null = null
  let isReady = false
  const start = (): void => {
    if (isReady || over.aborted || timer !== null) return
    timer = new AbortController()
    const ended = AbortSignal.any([over, timer.signal])
    clock.sleep(readyMs, { signal: ended, unref: true }).then(onLate, () => undefined)
  }
  const pause = (): void => {
    timer?.abort()
    timer = null
  }
  start()
  return {
    pause,
    resume: start,
    stop() {
      isReady = true
      pause()
    },
  }
}

export interface EndSteps {
  ask?: () => void
  terminate?: () => void
  kill: () => void
}

/** Takes one step after another, each when the last did not help in its time. True when the child is gone. */
export async function endChild(
  clock: Clock,
  exited: Promise<unknown>,
  { askMs, terminateMs, killMs }: EndTimes,
  steps: EndSteps,
): Promise<boolean> {
  const taken = [
    [steps.ask === undefined ? undefined : () => steps.ask?.(), askMs],
    [steps.terminate === undefined ? undefined : () => steps.terminate?.(), terminateMs],
    [() => steps.kill(), killMs],
  ] as const
  for (const [act, waitMs] of taken) {
    if (act === undefined) continue
    act()
    if (waitMs > 0 && (await endsWithin(clock, exited, waitMs))) return true
  }
  return false
}

async function endsWithin(clock: Clock, exited: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  // Holds the process: who ends a child must not leave before it.
  const late = clock.sleep(ms, { signal: timer.signal }).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([exited.then(() => true), late])
  } finally {
    timer.abort()
  }
}
