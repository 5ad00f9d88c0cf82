/**
 * Several members as one engine: the processes of a local deployment, or the endpoints of a remote one. Jobs wait here
 * until a member has a free slot, so that none queues at one member while another is idle. A job that has delivered no
 * text moves to another member when its own fails.
 */
import { failValue, fail, type ErrorValue } from '#contract/errors.ts'
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
import { fatalOnes, GONE, mostTelling, wholeSetting } from './member-failures.ts'
import type { MemberGpu, PoolKind } from './pool-kind.ts'
import { mergeModels, mergeStates, mergeStats, numberProcesses, startingOf } from './merge-members.ts'
import { keepTrying } from './reload-member.ts'
import { PoolMembers, type PoolMember } from './pool-members.ts'

export type { PoolKind } from './pool-kind.ts'

export interface PoolDeps {
  kind: PoolKind
  clock: Clock
  /** Uniform on [0, 1), for the jitter of pauses. */
  random?: () => number
}

class Pool implements EnginePort {
  readonly #deps: PoolDeps
  readonly #members: PoolMembers
  readonly #queue: Dispatch
  readonly #listeners = new Set<(state: EngineState) => void>()
  #wanted: EngineSettings | null = null
  /** Cancels the attempts to load members again; one for each load. */
  #reloadsCancelled = new AbortController()
  /** Loads one member again, with its share of the settings. */
  #reload: (index: number) => Promise<unknown> | undefined = () => undefined
  /** Aborted by stop: a load that waits then creates no members, which nobody would stop. */
  #stopping = new AbortController()
  #loading = false
  #reportedState = JSON.stringify({ kind: 'stopped' })
  /** Loads and unloads, in order. */
  readonly #turns = serial()

  constructor(deps: PoolDeps) {
    this.#deps = deps
    this.#members = new PoolMembers(deps.kind, (member, index, state) => this.#onMemberState(member, index, state))
    this.#queue = new Dispatch({
      ...deps,
      members: this.#members,
      isOpen: () => !this.#loading && this.#wanted !== null,
    })
  }

  /** Error CANCELLED, beside those of the port: it was stopped before its members existed. */
  load(file: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    const { signal } = this.#stopping
    return this.#turns.run(async () => {
      const { kind } = this.#deps
      const count = kind.count(settings)
      this.#loading = count > 1 && this.state().kind !== 'loaded'
      try {
        const gpus = await kind.gpus?.(settings, count)
        signal.throwIfAborted()
        await this.#members.fit(gpus ?? Array.from({ length: count }, (): MemberGpu => null))
        signal.throwIfAborted()
        this.#dropWanted()
        this.#wanted = settings
        this.#reload = (index) => this.#members.at(index)?.engine.load(file, kind.share(settings, index, count))
        this.#queue.setSharedThreads(kind.local && count > 1 ? settings.threads : null)
        const results = await Promise.allSettled(
          this.#members.all.map(({ engine }, index) => engine.load(file, kind.share(settings, index, count))),
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
      this.#dropWanted()
      if (this.#members.count > 1) this.#queue.jobs.failAll(failValue('engine.unloadedWhileRunning'))
      const failed = (await Promise.allSettled(this.#members.all.map(({ engine }) => engine.unload()))).find(
        (result) => result.status === 'rejected',
      )
      this.#queue.forgetPrefixes()
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
      {
        members: this.#members,
        local: this.#deps.kind.local,
        candidates: (except) => this.#queue.candidates(except),
      },
      texts,
      signal,
    )
  }

  stats(): EngineStats {
    const { local } = this.#deps.kind
    const stats = this.#members.all.map(({ engine }) => engine.stats())
    const gpus = this.#members.all.map(({ gpu }) => gpu)
    return mergeStats(local && stats.length > 1 ? numberProcesses(stats, gpus) : stats, {
      oneMachine: local,
      waiting: this.#queue.waiting(),
    })
  }

  state(): EngineState {
    const state = mergeStates(this.#members.states())
    // It is loaded once every process has answered.
    if (!this.#loading || state.kind !== 'loaded') return state
    return startingOf(this.#members.states()) ?? { kind: 'starting', attempt: 1 }
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async retry(): Promise<void> {
    const { local } = this.#deps.kind
    const waiting = this.#members.all.filter(({ engine }) =>
      local ? engine.state().kind === 'broken' : engine.state().kind !== 'loaded',
    )
    const results = await Promise.allSettled(waiting.map(({ engine }) => engine.retry()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined && results.every((result) => result.status === 'rejected')) throw failed.reason
  }

  async stop(): Promise<void> {
    this.#stopping.abort(fail('engine.stoppedWhileLoading'))
    this.#stopping = new AbortController()
    this.#dropWanted()
    this.#queue.stop()
    this.#queue.jobs.failAll(failValue('engine.stoppedWhileRunning'))
    await Promise.all(this.#members.all.map(({ engine }) => engine.stop()))
    this.#queue.forgetPrefixes()
  }

  #refusal(jobId: string): ErrorValue | null {
    const { jobs, isDirect } = this.#queue
    if (jobs.get(jobId) !== undefined) return failValue('engine.sameJob')
    if (isDirect) return null
    if (this.#wanted === null) return failValue('engine.notLoaded')
    const state = this.state()
    if (state.kind === 'broken') return failValue('engine.broken', { reason: state.reason })
    if (!this.#deps.kind.local && !this.#loading && state.kind !== 'loaded') return GONE
    const slots = state.kind === 'loaded' ? state.model.slots : this.#wanted.slots
    return jobs.size < slots + QUEUE_MAX ? null : failValue('engine.queueFull', { slots, waiting: QUEUE_MAX })
  }

  /**
   * Succeeds when every member has loaded the model. Of remote endpoints one is enough, and a local process that crashed
   * comes back by itself.
   */
  async #judge(results: PromiseSettledResult<LoadedModel>[]): Promise<LoadedModel> {
    const { local } = this.#deps.kind
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    const fatal = fatalOnes(failures, local)
    const model = mergeModels(this.#members.states())
    if (model !== null && fatal.length === 0) return model
    const [only] = results
    if (failures.length === 0 && results.length === 1 && only?.status === 'fulfilled') return only.value
    const error = fatal[0] ?? mostTelling(failures)
    if (results.length > 1 || !local) {
      this.#dropWanted()
      await Promise.allSettled(this.#members.all.map(({ engine }) => engine.unload()))
      this.#queue.jobs.failAll(failValue('engine.loadFailedUnder'))
    }
    throw wholeSetting(error, results.length)
  }

  #onMemberState(member: PoolMember, index: number, state: EngineState): void {
    if (state.kind === 'loaded') {
      member.down = false
      member.suspects = 0
    } else this.#queue.lost(index)
    this.#changed()
    if (state.kind === 'ready') this.#bringBack(member, index)
  }

  /**
   * Its process crashed, and the new one refused the model (no memory at that moment): without this it would stay
   * unloaded beside the others.
   */
  #bringBack(member: PoolMember, index: number): void {
    const { clock, kind, random } = this.#deps
    const { signal } = this.#reloadsCancelled
    if (!kind.local || this.#wanted === null || this.#members.count === 1 || member.retrying) return
    member.retrying = true
    // Where no member serves any more, the core sees that and decides.
    const isWanted = (): boolean =>
      !signal.aborted &&
      this.#members.at(index) === member &&
      member.engine.state().kind === 'ready' &&
      this.state().kind !== 'ready'
    void keepTrying({
      clock,
      signal,
      isWanted,
      ...(random === undefined ? {} : { random }),
      attempt: () => this.#turns.run(async () => (isWanted() ? await this.#reload(index) : undefined)),
    }).finally(() => {
      member.retrying = false
    })
  }

  #dropWanted(): void {
    this.#wanted = null
    this.#reloadsCancelled.abort()
    this.#reloadsCancelled = new AbortController()
  }

  #changed(): void {
    const state = this.state()
    if (state.kind === 'broken') this.#queue.jobs.failAll(failValue('engine.broken', { reason: state.reason }))
    this.#queue.run()
    const text = JSON.stringify(state)
    if (text === this.#reportedState) return
    this.#reportedState = text
    for (const listener of this.#listeners) listener(state)
  }
}

/** An engine over the members that `kind` makes. */
export const createPool = (deps: PoolDeps): EnginePort => new Pool(deps)
