/** A member of a pool that a test plays: what it was given stands in `got`, and it says only what the test says. */
import type { ErrorCode } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type {
  EngineEvents,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelFile,
  SubmitOptions,
} from '#core/engine/engine.port.ts'
import type { MemberEngine } from '#engine/pool/member-engine.ts'
import type { ModelInspection } from '#core/engine/engine.port.ts'

interface Given {
  readonly id: string
  readonly request: EngineRequest
  readonly options: SubmitOptions
  readonly events: EngineEvents
}

const FAKE_STATS: Omit<EngineStats, 'slots' | 'running' | 'processes'> = {
  queued: 0,
  tokensPerSecond: 0,
  rssBytes: 100,
  pid: 1,
  speed: { promptTokensPerSecond: null, perStream: [] },
  waitingPromptTokens: 0,
  cachedTokens: 0,
  promptTokens: 0,
}

export class FakeMember implements MemberEngine {
  readonly name: string
  readonly got: Given[] = []
  readonly cancels: string[] = []
  readonly limits: number[] = []
  readonly loads: EngineSettings[] = []
  unloads = 0
  stops = 0
  retries = 0
  /** Thrown by the next loads. */
  refuses: Error | null = null
  statsNow: Partial<EngineStats> = {}
  embeds: () => Promise<{ vectors: number[][]; promptTokens: number }> = () =>
    Promise.resolve({ vectors: [[1]], promptTokens: 1 })
  readonly #open = new Map<string, EngineEvents>()
  #current: EngineState = { kind: 'stopped' }
  readonly #listeners = new Set<(state: EngineState) => void>()

  constructor(name: string) {
    this.name = name
  }

  /** Ids of the jobs in it. */
  get holds(): string[] {
    return [...this.#open.keys()]
  }

  async load({ sha256 }: ModelFile, settings: EngineSettings): Promise<LoadedModel> {
    this.loads.push(settings)
    if (this.refuses !== null) throw this.refuses
    const model = {
      sha256,
      contextTokens: settings.contextTokens,
      slots: settings.slots,
      engine: 'fake engine',
      device: this.name,
    }
    this.become({ kind: 'loaded', model })
    return model
  }

  async unload(): Promise<void> {
    this.unloads += 1
    this.become({ kind: 'ready' })
  }

  submit(id: string, request: EngineRequest, events: EngineEvents, options: SubmitOptions = {}): void {
    this.got.push({ id, request, options, events })
    this.#open.set(id, events)
  }

  cancel(id: string): void {
    this.cancels.push(id)
  }

  embed(): Promise<{ vectors: number[][]; promptTokens: number }> {
    return this.embeds()
  }

  setThreadLimit(threads: number): void {
    this.limits.push(threads)
  }

  async inspect(): Promise<ModelInspection> {
    throw new Error('not part of this fake')
  }

  async gpus(): Promise<never[]> {
    throw new Error('not part of this fake')
  }

  stats(): EngineStats {
    const slots = this.#current.kind === 'loaded' ? this.#current.model.slots : 0
    const running = this.#open.size
    return {
      ...FAKE_STATS,
      slots,
      running,
      processes: [{ pid: 1, name: this.name, state: this.#current.kind, rssBytes: 100, running, slots, threads: 1 }],
      ...this.statsNow,
    }
  }

  state(): EngineState {
    return this.#current
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async retry(): Promise<void> {
    this.retries += 1
  }

  async stop(): Promise<void> {
    this.stops += 1
    this.become({ kind: 'stopped' })
  }

  become(state: EngineState): void {
    this.#current = state
    for (const listener of this.#listeners) listener(state)
  }

  say(id: string, text: string): void {
    this.#open.get(id)?.onDelta(text)
  }

  finish(id: string, finish: 'stop' | 'cancelled' = 'stop'): void {
    this.#take(id)?.onDone({
      finish,
      usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 1 },
      ttftMs: 5,
      durationMs: 10,
    })
  }

  fail(id: string, code: ErrorCode, data: Record<string, string | number | boolean | null> = {}): void {
    this.#take(id)?.onError({ code, message: `fake ${code}`, data })
  }

  /** As client.ts tells a crash: the jobs first, the state afterwards. */
  crash(): void {
    for (const id of this.holds) this.fail(id, 'ENGINE_CRASHED')
    this.become({ kind: 'backoff', until: 0, attempt: 1 })
  }

  #take(id: string): EngineEvents | undefined {
    const events = this.#open.get(id)
    this.#open.delete(id)
    return events
  }
}
