/**
 * Several members as one engine: the processes of a local deployment, or the endpoints of a remote one. Jobs wait here until some member has
 * a free slot, so that none is buried in one member while another is idle; a job that has delivered nothing moves on when its member fails.
 */
import { StokerError, toErrorValue, type ErrorCode, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineDone, EngineEvents, EnginePort, EngineSettings, EngineState, EngineStats, LoadedModel, ModelFile, SubmitOptions } from '#core/engine/engine.port.ts'

import { QUEUE_MAX } from '../protocol.ts'
import { beginningsOf, createAffinity } from './affinity.ts'
import { createPoolJobs, NOTHING_USED, textLength, type PoolJob } from './jobs.ts'
import type { PoolMember } from './member.ts'
import { mergeModels, mergeStates, mergeStats } from './merge.ts'
import { keepTrying } from './reload.ts'
import { route } from './route.ts'
import { createThreadShare, type ThreadShare } from './thread-share.ts'

/** What differs between a pool of local processes and one of remote endpoints. */
export interface PoolKind {
  /** Local processes share one machine's threads, come back by themselves and are waited for. */
  local: boolean
  /** How many members these settings want; at least 1. */
  count(settings: EngineSettings): number
  make(index: number): PoolMember
  /** What member `index` of `count` is loaded with. */
  share(settings: EngineSettings, index: number, count: number): EngineSettings
}

export interface PoolOptions {
  kind: PoolKind
  clock: Clock
}

interface Seat {
  member: PoolMember
  /** It crashed and has not said that it is loaded again. */
  down: boolean
  /** Jobs that were in it when it crashed; any of them may have been why. */
  suspects: number
  /** It is being loaded again, with pauses. */
  retrying: boolean
  off: () => void
}

const CHARACTERS_PER_TOKEN = 4
/** Failures of a member, not of the request; the job may run elsewhere. */
const MOVES = new Set<ErrorCode>(['ENGINE_CRASHED', 'ENGINE_UNREACHABLE', 'ENGINE_BUSY', 'ENGINE_BROKEN', 'ENGINE_NOT_LOADED'])

const problem = (code: ErrorCode, message: string): ErrorValue => ({ code, message, data: {} })
const GONE = problem('ENGINE_UNREACHABLE', 'None of the servers of this pool can be reached. Stoker keeps asking them; look whether they run, then send the request again.')
/** How a process of this machine ends under its jobs; the third time in a row it is called broken. */
const isCrash = ({ code }: ErrorValue): boolean => code === 'ENGINE_CRASHED' || code === 'ENGINE_BROKEN'
/** A refusal that is about the endpoint (key, address, model) and not about the request is marked by who gives it. */
const moves = ({ code, data }: ErrorValue): boolean => MOVES.has(code) || (code === 'ENGINE_REFUSED' && data['endpoint'] === true)

class Pool implements EnginePort {
  private readonly options: PoolOptions
  private seats: Seat[] = []
  private readonly jobs = createPoolJobs()
  private readonly affinity = createAffinity()
  private readonly listeners = new Set<(state: EngineState) => void>()
  private threads: ThreadShare | null = null
  private wanted: EngineSettings | null = null
  /** Ends the attempts to load members again; one for each load. */
  private reloads = new AbortController()
  /** Loads one member with its share of what is wanted. */
  private reload: (index: number) => Promise<unknown> | undefined = () => undefined
  private loading = false
  private told = JSON.stringify({ kind: 'stopped' })
  private serial = 0
  /** Loads and unloads, in order. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(options: PoolOptions) {
    this.options = options
    this.grow(1)
  }

  load(file: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    return this.inTurn(async () => {
      const { kind, clock } = this.options
      const count = kind.count(settings)
      this.loading = count > 1 && this.state().kind !== 'loaded'
      try {
        this.grow(count)
        await this.shrink(count)
        this.forgetWish()
        this.wanted = settings
        this.reload = (index) => this.seats[index]?.member.load(file, kind.share(settings, index, count))
        this.threads?.stop()
        this.threads =
          kind.local && count > 1 ? createThreadShare({ threads: settings.threads, clock, grant: (index, limit) => this.seats[index]?.member.setThreadLimit?.(limit) }) : null
        const results = await Promise.allSettled(this.seats.map(({ member }, index) => member.load(file, kind.share(settings, index, count))))
        return await this.judge(results)
      } finally {
        this.loading = false
        this.changed()
      }
    })
  }

  unload(): Promise<void> {
    return this.inTurn(async () => {
      this.forgetWish()
      if (this.seats.length > 1) this.jobs.failAll(problem('ENGINE_NOT_LOADED', 'The model was unloaded while this job was in it. Load it and send the request again.'))
      const failed = (await Promise.allSettled(this.seats.map(({ member }) => member.unload()))).find((result) => result.status === 'rejected')
      for (const index of this.seats.keys()) this.affinity.forget(index)
      if (failed !== undefined) throw failed.reason
    })
  }

  submit(jobId: string, request: EngineRequest, events: EngineEvents, { priority = 'job', deadlineMs }: SubmitOptions = {}): void {
    const refusal = this.refusal(jobId)
    if (refusal !== null) {
      events.onError(refusal)
      return
    }
    const now = this.options.clock.mono()
    const job: PoolJob = {
      id: jobId,
      request,
      events,
      priority,
      acceptedAt: now,
      deadlineAt: deadlineMs === undefined ? null : now + deadlineMs,
      serial: (this.serial += 1),
      beginnings: this.seats.length > 1 ? beginningsOf(request) : [],
      promptTokens: Math.ceil(textLength(request) / CHARACTERS_PER_TOKEN),
      member: null,
      tried: new Set(),
      attempt: 0,
      spoke: false,
      cancelled: false,
      lastError: null,
      sentAt: now,
    }
    this.jobs.add(job)
    if (this.isDirect) this.send(job, 0)
    else this.dispatch()
  }

  cancel(jobId: string): void {
    const job = this.jobs.get(jobId)
    if (job === undefined) return
    job.cancelled = true
    if (job.member === null) this.jobs.end(job, { ...NOTHING_USED, durationMs: this.options.clock.mono() - job.acceptedAt })
    else this.seats[job.member]?.member.cancel(jobId)
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; promptTokens: number }> {
    const tried = new Set<number>()
    let last: unknown = null
    for (let attempt = 0; attempt < this.seats.length; attempt += 1) {
      // All its slots may be busy: embeddings do not wait for one.
      const index = route(
        this.candidates(tried).map((candidate) => ({ ...candidate, capacity: Number.MAX_SAFE_INTEGER })),
        new Set(),
      )
      if (index === null) break
      tried.add(index)
      const seat = this.seats[index] as Seat
      try {
        return await seat.member.embed(texts, signal)
      } catch (error) {
        const value = toErrorValue(error)
        if (!moves(value) || (this.options.kind.local && isCrash(value) && (last !== null || seat.suspects === 0))) throw error
        last = error
      }
    }
    throw last ?? new StokerError('ENGINE_NOT_LOADED', 'No model is loaded. Load one first.')
  }

  stats(): EngineStats {
    const waiting = this.jobs.waiting(this.options.clock.mono())
    const stats = this.seats.map(({ member }) => member.stats())
    return mergeStats(this.options.kind.local && stats.length > 1 ? stats.map((entry, index) => numbered(entry, index, stats.length)) : stats, {
      oneMachine: this.options.kind.local,
      waiting: { jobs: waiting.length, promptTokens: waiting.reduce((sum, { promptTokens }) => sum + promptTokens, 0) },
    })
  }

  state(): EngineState {
    const state = mergeStates(this.seats.map(({ member }) => member.state()))
    // Not before every process has answered.
    return this.loading && state.kind === 'loaded' ? { kind: 'starting', attempt: 1 } : state
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async retry(): Promise<void> {
    const { local } = this.options.kind
    const waiting = this.seats.filter(({ member }) => (local ? member.state().kind === 'broken' : member.state().kind !== 'loaded'))
    const results = await Promise.allSettled(waiting.map(({ member }) => member.retry()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined && results.every((result) => result.status === 'rejected')) throw failed.reason
  }

  async stop(): Promise<void> {
    this.forgetWish()
    this.threads?.stop()
    this.jobs.failAll(problem('ENGINE_NOT_LOADED', 'The engine was stopped while this job was in it. Start it and send the request again.'))
    await Promise.all(this.seats.map(({ member }) => member.stop()))
    for (const index of this.seats.keys()) this.affinity.forget(index)
  }

  /** One local process orders its own queue; nothing is held in front of it. */
  private get isDirect(): boolean {
    return this.options.kind.local && this.seats.length === 1
  }

  private refusal(jobId: string): ErrorValue | null {
    if (this.jobs.get(jobId) !== undefined) return problem('CONFLICT', 'A job with this id runs already. Give every job its own id.')
    if (this.isDirect) return null
    if (this.wanted === null) return problem('ENGINE_NOT_LOADED', 'No model is loaded. Load one first.')
    const state = this.state()
    if (state.kind === 'broken') return problem('ENGINE_BROKEN', state.reason)
    if (!this.options.kind.local && !this.loading && state.kind !== 'loaded') return GONE
    const slots = state.kind === 'loaded' ? state.model.slots : this.wanted.slots
    return this.jobs.size < slots + QUEUE_MAX ? null : problem('ENGINE_BUSY', `All ${slots} slots are taken and ${QUEUE_MAX} jobs wait. Try again later.`)
  }

  /** Members that can take jobs, but for those in `except`. */
  private candidates(except: ReadonlySet<number>): { index: number; running: number; capacity: number }[] {
    return this.seats.flatMap(({ member, down }, index) => {
      const state = member.state()
      if (state.kind !== 'loaded' || down || except.has(index)) return []
      return [{ index, running: this.jobs.running(index), capacity: member.capacity?.() ?? state.model.slots }]
    })
  }

  /** Sends what waits to free slots, in the order of turns. A job that cannot go anywhere any more ends. */
  private dispatch(): void {
    if (this.loading || this.wanted === null) return
    let full = false
    for (const job of this.jobs.waiting(this.options.clock.mono())) {
      if (full && job.tried.size === 0) continue
      // Ending one may have ended or sent others.
      if (job.member !== null || this.jobs.get(job.id) !== job) continue
      const candidates = this.candidates(job.tried)
      if (job.tried.size === 0 && candidates.length > 0 && candidates.every(({ running, capacity }) => running >= capacity)) {
        full = true
        continue
      }
      if (candidates.length === 0 && (job.lastError !== null || !this.options.kind.local)) this.jobs.end(job, job.lastError ?? GONE)
      const index = route(candidates, this.affinity.holders(job.beginnings))
      if (index !== null) this.send(job, index)
    }
    this.shareThreads()
  }

  private shareThreads(): void {
    this.threads?.working(new Set([...this.seats.keys()].filter((index) => this.jobs.running(index) > 0)))
  }

  private send(job: PoolJob, index: number): void {
    const { clock } = this.options
    const now = clock.mono()
    const attempt = (job.attempt += 1)
    this.jobs.sent(job, index)
    job.sentAt = now
    this.affinity.served(job.beginnings, index)
    this.shareThreads()
    const waited = this.isDirect ? 0 : now - job.acceptedAt
    const events: EngineEvents = {
      onDelta: (text, logprobs) => {
        if (job.attempt !== attempt) return
        job.spoke = true
        if (logprobs === undefined) job.events.onDelta(text)
        else job.events.onDelta(text, logprobs)
      },
      onDone: (done) => {
        if (job.attempt === attempt) this.ended(job, { ...done, ttftMs: done.ttftMs + waited, durationMs: done.durationMs + waited })
      },
      onError: (error) => {
        if (job.attempt === attempt) this.failed(job, index, error)
      },
    }
    const deadline = job.deadlineAt === null ? {} : { deadlineMs: Math.max(0, job.deadlineAt - now) }
    this.seats[index]?.member.submit(job.id, job.request, events, { priority: job.priority, ...deadline })
  }

  private ended(job: PoolJob, how: EngineDone | ErrorValue): void {
    this.jobs.end(job, how)
    this.dispatch()
  }

  private failed(job: PoolJob, index: number, error: ErrorValue): void {
    const seat = this.seats[index]
    // The client tells its jobs of a crash before it tells its state.
    const crashed = this.options.kind.local && isCrash(error)
    if (seat !== undefined && crashed && !seat.down) {
      seat.down = true
      seat.suspects = this.jobs.running(index)
    }
    // Alone in a process that ends, or in a second one: the job is the likeliest reason, and would end the next one with all streams in it.
    const poison = crashed && (seat === undefined || seat.suspects < 2 || (job.lastError !== null && isCrash(job.lastError)))
    if (job.cancelled && moves(error)) return this.ended(job, NOTHING_USED)
    job.tried.add(index)
    if (job.spoke || poison || !moves(error) || this.candidates(job.tried).length === 0) return this.ended(job, error)
    this.jobs.back(job)
    job.lastError = error
    this.dispatch()
  }

  /** Success when every member has it; of remote endpoints one will do, and a local process that crashed comes back by itself. */
  private async judge(results: PromiseSettledResult<LoadedModel>[]): Promise<LoadedModel> {
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    const fatal = this.options.kind.local ? failures.filter((error) => toErrorValue(error).code !== 'ENGINE_CRASHED') : []
    const model = mergeModels(this.seats.map(({ member }) => member.state()))
    if (model !== null && fatal.length === 0) return model
    const [only] = results
    if (failures.length === 0 && results.length === 1 && only?.status === 'fulfilled') return only.value
    const error = fatal[0] ?? failures.find((failure) => toErrorValue(failure).code !== 'ENGINE_UNREACHABLE') ?? failures[0]
    if (results.length > 1 || !this.options.kind.local) {
      this.forgetWish()
      await Promise.allSettled(this.seats.map(({ member }) => member.unload()))
      this.jobs.failAll(problem('ENGINE_NOT_LOADED', 'The model could not be loaded. Load another one and send the request again.'))
    }
    throw wholeSetting(error, results.length)
  }

  private grow(count: number): void {
    for (let index = this.seats.length; index < count; index += 1) {
      const member = this.options.kind.make(index)
      const seat: Seat = { member, down: false, suspects: 0, retrying: false, off: () => undefined }
      seat.off = member.onState((state) => this.heard(seat, index, state))
      this.seats.push(seat)
    }
  }

  private async shrink(count: number): Promise<void> {
    const leaving = this.seats.splice(count)
    for (const { off } of leaving) off()
    await Promise.all(leaving.map(({ member }) => member.stop()))
  }

  private heard(seat: Seat, index: number, state: EngineState): void {
    if (state.kind === 'loaded') {
      seat.down = false
      seat.suspects = 0
    } else {
      this.affinity.forget(index)
      this.threads?.forget(index)
    }
    this.changed()
    if (state.kind === 'ready') this.bringBack(seat, index)
  }

  /** After a crash its process refused the model (no memory at that moment): it would stand beside the others for good. */
  private bringBack(seat: Seat, index: number): void {
    const { clock, kind } = this.options
    const wish = this.reloads
    if (!kind.local || this.wanted === null || this.seats.length === 1 || seat.retrying) return
    seat.retrying = true
    // Where none serves any more the core sees it, and decides.
    const isWanted = (): boolean => !wish.signal.aborted && this.seats[index] === seat && seat.member.state().kind === 'ready' && this.state().kind !== 'ready'
    void keepTrying({ clock, signal: wish.signal, isWanted, attempt: () => this.inTurn(async () => (isWanted() ? await this.reload(index) : undefined)) }).finally(() => {
      seat.retrying = false
    })
  }

  private forgetWish(): void {
    this.wanted = null
    this.reloads.abort()
    this.reloads = new AbortController()
  }

  private changed(): void {
    const state = this.state()
    if (state.kind === 'broken') this.jobs.failAll(problem('ENGINE_BROKEN', state.reason))
    this.dispatch()
    const text = JSON.stringify(state)
    if (text === this.told) return
    this.told = text
    for (const listener of this.listeners) listener(state)
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.turn.then(work)
    this.turn = next.catch(() => undefined)
    return next
  }
}

const numbered = (stats: EngineStats, index: number, of: number): EngineStats => ({
  ...stats,
  processes: stats.processes.map((process) => ({ ...process, name: `process ${index + 1} of ${of}` })),
})

/** The next smaller setting that one of `count` processes suggests, for all of them. */
function wholeSetting(error: unknown, count: number): unknown {
  if (!(error instanceof StokerError) || count === 1 || typeof error.data['slots'] !== 'number') return error
  return new StokerError(error.code, error.message, { data: { ...error.data, slots: error.data['slots'] * count }, cause: error })
}

/** An engine over the members that `kind` makes. */
export const createPool = (options: PoolOptions): EnginePort => new Pool(options)
