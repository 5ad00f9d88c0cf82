/**
 * A member that answers at the rates a test gives it, on a fake clock: every tick each running job gets its part of the
 * tokens.
 */
import type { EngineRequest } from '#contract/inference.ts'
import type {
  EngineEvents,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelFile,
  ModelInspection,
} from '#core/engine/engine.port.ts'
import type { LocalMember } from '#engine/client/engine-client.ts'
import type { FakeClock } from '#test/support/fake-clock.ts'

export interface FakeMachine {
  clock: FakeClock
  /** Tokens a second of one process with so many threads and streams, while so many processes work. */
  decode(threads: number, streams: number, working: number): number
  /** Prompt tokens a second. */
  prompt(threads: number, batchTokens: number): number
  fits(processes: number): 'yes' | 'tight' | 'no'
  /** Refuses the load; undefined to let it pass. */
  refuse?(settings: EngineSettings): Error | undefined
  /** 100 when left out. */
  loadMs?: number
  members: FakeMember[]
}

const TICK_MS = 10

interface Job {
  events: EngineEvents
  promptLeft: number
  promptTokens: number
  tokens: number
  maxTokens: number
  beganAt: number
  firstAt: number | null
}

export class FakeMember implements LocalMember {
  readonly loads: EngineSettings[] = []
  /** The only one it sees; null for all. */
  readonly gpu: number | null
  stopped = false
  readonly #machine: FakeMachine
  readonly #jobs = new Map<string, Job>()
  readonly #listeners = new Set<(state: EngineState) => void>()
  #current: EngineState = { kind: 'stopped' }
  #threads = 1
  #ticking = false

  constructor(machine: FakeMachine, gpu: number | null = null) {
    this.#machine = machine
    this.gpu = gpu
    machine.members.push(this)
  }

  async inspect(_path: string, settings: Partial<EngineSettings> = {}): Promise<ModelInspection> {
    return { memory: { fits: this.#machine.fits(settings.processes ?? 1) } } as ModelInspection
  }

  async load(file: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    const refusal = this.#machine.refuse?.(settings)
    if (refusal !== undefined) throw refusal
    this.loads.push(settings)
    this.#threads = settings.threads
    await this.#machine.clock.sleep(this.#machine.loadMs ?? 100)
    const model: LoadedModel = {
      sha256: file.sha256,
      contextTokens: settings.contextTokens,
      slots: settings.slots,
      engine: 'fake',
      device: 'fake',
    }
    this.#set({ kind: 'loaded', model })
    return model
  }

  async gpus(): Promise<never[]> {
    return []
  }

  setThreadLimit(threads: number): void {
    this.#threads = threads
  }

  submit(id: string, request: EngineRequest, events: EngineEvents): void {
    const promptTokens = Math.ceil((request.prompt ?? '').length / 4)
    this.#jobs.set(id, {
      events,
      promptTokens,
      promptLeft: promptTokens,
      tokens: 0,
      maxTokens: request.maxTokens,
      beganAt: this.#machine.clock.mono(),
      firstAt: null,
    })
    if (this.#ticking) return
    this.#ticking = true
    void this.#tick()
  }

  cancel(id: string): void {
    const job = this.#jobs.get(id)
    if (job !== undefined) this.#end(id, job, 'cancelled')
  }

  stats(): EngineStats {
    return { processes: [] } as unknown as EngineStats
  }
  state(): EngineState {
    return this.#current
  }
  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  async unload(): Promise<void> {
    this.#set({ kind: 'ready' })
  }
  async embed(): Promise<{ vectors: number[][]; promptTokens: number }> {
    return { vectors: [], promptTokens: 0 }
  }
  async retry(): Promise<void> {}
  async stop(): Promise<void> {
    this.stopped = true
    for (const [id, job] of this.#jobs) this.#end(id, job, 'cancelled')
    this.#set({ kind: 'stopped' })
  }

  #set(state: EngineState): void {
    this.#current = state
    for (const listener of this.#listeners) listener(state)
  }

  async #tick(): Promise<void> {
    while (this.#jobs.size > 0) {
      await this.#machine.clock.sleep(TICK_MS)
      this.#serve(TICK_MS / 1_000)
    }
    this.#ticking = false
  }

  #serve(seconds: number): void {
    const working = this.#machine.members.filter((member) => member.#jobs.size > 0).length
    let prompt = this.#machine.prompt(this.#threads, this.loads.at(-1)?.batchTokens ?? 512) * seconds
    const streams = this.#jobs.size
    const each = (this.#machine.decode(this.#threads, streams, working) * seconds) / streams
    for (const [id, job] of this.#jobs) {
      const read = Math.min(prompt, job.promptLeft)
      prompt -= read
      job.promptLeft -= read
      if (job.promptLeft > 0) continue
      job.firstAt ??= this.#machine.clock.mono()
      job.tokens = Math.min(job.maxTokens, job.tokens + each)
      if (job.tokens >= 1) job.events.onDelta('x')
      if (job.tokens >= job.maxTokens) this.#end(id, job, 'length')
    }
  }

  #end(id: string, job: Job, finish: 'length' | 'cancelled'): void {
    this.#jobs.delete(id)
    const now = this.#machine.clock.mono()
    const usage = { promptTokens: job.promptTokens, cachedTokens: 0, generatedTokens: Math.floor(job.tokens) }
    job.events.onDone({ finish, usage, ttftMs: (job.firstAt ?? now) - job.beganAt, durationMs: now - job.beganAt })
  }
}
