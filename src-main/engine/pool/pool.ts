/**
 * Several members as one engine: the processes of a local deployment, or the endpoints of a remote one. Jobs wait here
 * until some member has a free slot, so that none is buried in one member while another is idle; a job that has
 * delivered nothing moves on when its member fails.
 */
import { StokerError, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type {
  EngineEvents,
  EnginePort,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelFile,
  SubmitOptions,
} from '#core/engine/engine.port.ts'
import { serial } from '#lib/serial.ts'

import { QUEUE_MAX } from '../protocol.ts'
import { Dispatch } from './dispatch.ts'
import { embedIn } from './pool-embeddings.ts'
import { fatalOnes, GONE, mostTelling, problem, wholeSetting } from './member-failures.ts'
import type { MemberGpu, PoolKind } from './pool-kind.ts'
import { mergeModels, mergeStates, mergeStats, numberProcesses } from './merge-members.ts'
import { keepTrying } from './reload-member.ts'
import { Seats, type Seat } from './pool-members.ts'

export type { PoolKind } from './pool-kind.ts'

export interface PoolOptions {
  kind: PoolKind
  clock: Clock
}

class Pool implements EnginePort {
  readonly #options: PoolOptions
  readonly #seats: Seats
  readonly #queue: Dispatch
  readonly #listeners = new Set<(state: EngineState) => void>()
  #wanted: EngineSettings | null = null
  /** Ends the attempts to load members again; one for each load. */
  #reloads = new AbortController()
  /** Loads one member with its share of what is wanted. */
  #reload: (index: number) => Promise<unknown> | undefined = () => undefined
  /** Ends with stop: a load that waits then makes no members that nobody would stop. */
  #running = new AbortController()
  #loading = false
  #told = JSON.stringify({ kind: 'stopped' })
  /** Loads and unloads, in order. */
  readonly #turns = serial()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#seats = new Seats(options.kind, (seat, index, state) => this.#heard(seat, index, state))
    this.#queue = new Dispatch({
      ...options,
      seats: this.#seats,
      isOpen: () => !this.#loading && this.#wanted !== null,
    })
  }

  /** Also CANCELLED: stopped before its members were there. */
  load(file: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    const { signal } = this.#running
    return this.#turns.run(async () => {
      const { kind } = this.#options
      const count = kind.count(settings)
      this.#loading = count > 1 && this.state().kind !== 'loaded'
      try {
        const gpus = await kind.gpus?.(settings, count)
        signal.throwIfAborted()
        await this.#seats.fit(gpus ?? Array.from({ length: count }, (): MemberGpu => null))
        signal.throwIfAborted()
        this.#forgetWish()
        this.#wanted = settings
        this.#reload = (index) => this.#seats.at(index)?.member.load(file, kind.share(settings, index, count))
        this.#queue.shareOut(kind.local && count > 1 ? settings.threads : null)
        const results = await Promise.allSettled(
          this.#seats.all.map(({ member }, index) => member.load(file, kind.share(settings, index, count))),
        )
        return await this.#judge(results)
      } finally {
        this.#loading = false
        this.#changed()
      }
    })
  }

  unload(): Promise<void> {
    return this.#turns.run(async () => {
      this.#forgetWish()
      if (this.#seats.count > 1)
        this.#queue.jobs.failAll(
          problem(
            'ENGINE_NOT_LOADED',
            'The model was unloaded while this job was in it. Load it and send the request again.',
          ),
        )
      const failed = (await Promise.allSettled(this.#seats.all.map(({ member }) => member.unload()))).find(
        (result) => result.status === 'rejected',
      )
      this.#queue.forgetPrompts()
      if (failed !== undefined) throw failed.reason
    })
  }

  submit(jobId: string, request: EngineRequest, events: EngineEvents, options: SubmitOptions = {}): void {
    const refusal = this.#refusal(jobId)
    if (refusal === null) this.#queue.submit(jobId, request, events, options)
    else events.onError(refusal)
  }

  cancel(jobId: string): void {
    this.#queue.cancel(jobId)
  }

  embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; promptTokens: number }> {
    return embedIn(
      { seats: this.#seats, local: this.#options.kind.local, candidates: (except) => this.#queue.candidates(except) },
      texts,
      signal,
    )
  }

  stats(): EngineStats {
    const { local } = this.#options.kind
    const stats = this.#seats.all.map(({ member }) => member.stats())
    const gpus = this.#seats.all.map(({ gpu }) => gpu)
    return mergeStats(local && stats.length > 1 ? numberProcesses(stats, gpus) : stats, {
      oneMachine: local,
      waiting: this.#queue.waiting(),
    })
  }

  state(): EngineState {
    const state = mergeStates(this.#seats.states())
    // Not before every process has answered.
    return this.#loading && state.kind === 'loaded' ? { kind: 'starting', attempt: 1 } : state
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async retry(): Promise<void> {
    const { local } = this.#options.kind
    const waiting = this.#seats.all.filter(({ member }) =>
      local ? member.state().kind === 'broken' : member.state().kind !== 'loaded',
    )
    const results = await Promise.allSettled(waiting.map(({ member }) => member.retry()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined && results.every((result) => result.status === 'rejected')) throw failed.reason
  }

  async stop(): Promise<void> {
    this.#running.abort(
      new StokerError('CANCELLED', 'The engine was stopped before the model was in memory. Load it again.'),
    )
    this.#running = new AbortController()
    this.#forgetWish()
    this.#queue.stop()
    this.#queue.jobs.failAll(
      problem(
        'ENGINE_NOT_LOADED',
        'The engine was stopped while this job was in it. Start it and send the request again.',
      ),
    )
    await Promise.all(this.#seats.all.map(({ member }) => member.stop()))
    this.#queue.forgetPrompts()
  }

  #refusal(jobId: string): ErrorValue | null {
    const { jobs, isDirect } = this.#queue
    if (jobs.get(jobId) !== undefined)
      return problem('CONFLICT', 'A job with this id runs already. Give every job its own id.')
    if (isDirect) return null
    if (this.#wanted === null) return problem('ENGINE_NOT_LOADED', 'No model is loaded. Load one first.')
    const state = this.state()
    if (state.kind === 'broken') return problem('ENGINE_BROKEN', state.reason)
    if (!this.#options.kind.local && !this.#loading && state.kind !== 'loaded') return GONE
    const slots = state.kind === 'loaded' ? state.model.slots : this.#wanted.slots
    return jobs.size < slots + QUEUE_MAX
      ? null
      : problem('ENGINE_BUSY', `All ${slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`)
  }

  /**
   * Success when every member has it; of remote endpoints one will do, and a local process that crashed comes back by
   * itself.
   */
  async #judge(results: PromiseSettledResult<LoadedModel>[]): Promise<LoadedModel> {
    const { local } = this.#options.kind
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    const fatal = fatalOnes(failures, local)
    const model = mergeModels(this.#seats.states())
    if (model !== null && fatal.length === 0) return model
    const [only] = results
    if (failures.length === 0 && results.length === 1 && only?.status === 'fulfilled') return only.value
    const error = fatal[0] ?? mostTelling(failures)
    if (results.length > 1 || !local) {
      this.#forgetWish()
      await Promise.allSettled(this.#seats.all.map(({ member }) => member.unload()))
      this.#queue.jobs.failAll(
        problem('ENGINE_NOT_LOADED', 'The model could not be loaded. Load another one and send the request again.'),
      )
    }
    throw wholeSetting(error, results.length)
  }

  #heard(seat: Seat, index: number, state: EngineState): void {
    if (state.kind === 'loaded') {
      seat.down = false
      seat.suspects = 0
    } else this.#queue.lost(index)
    this.#changed()
    if (state.kind === 'ready') this.#bringBack(seat, index)
  }

  /**
   * After a crash its process refused the model (no memory at that moment): it would stand beside the others for good.
   */
  #bringBack(seat: Seat, index: number): void {
    const { clock, kind } = this.#options
    const wish = this.#reloads
    if (!kind.local || this.#wanted === null || this.#seats.count === 1 || seat.retrying) return
    seat.retrying = true
    // Where none serves any more the core sees it, and decides.
    const isWanted = (): boolean =>
      !wish.signal.aborted &&
      this.#seats.at(index) === seat &&
      seat.member.state().kind === 'ready' &&
      this.state().kind !== 'ready'
    void keepTrying({
      clock,
      signal: wish.signal,
      isWanted,
      attempt: () => this.#turns.run(async () => (isWanted() ? await this.#reload(index) : undefined)),
    }).finally(() => {
      seat.retrying = false
    })
  }

  #forgetWish(): void {
    this.#wanted = null
    this.#reloads.abort()
    this.#reloads = new AbortController()
  }

  #changed(): void {
    const state = this.state()
    if (state.kind === 'broken') this.#queue.jobs.failAll(problem('ENGINE_BROKEN', state.reason))
    this.#queue.run()
    const text = JSON.stringify(state)
    if (text === this.#told) return
    this.#told = text
    for (const listener of this.#listeners) listener(state)
  }
}

/** An engine over the members that `kind` makes. */
export const createPool = (options: PoolOptions): EnginePort => new Pool(options)
