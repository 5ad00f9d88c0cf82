/**
 * Engines that load by a test's say: loads wait until let through, crashes are announced, headers are what the test
 * set.
 */
import { StokerError } from '#contract/errors.ts'
import type {
  EnginePort,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelInspection,
} from '#core/engine/engine.port.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'

/** A header of a model of 7 B parameters. */
export const fakeHeader = (path: string): ModelInspection => ({
  fileName: path.split('/').at(-1) ?? path,
  path,
  sizeBytes: 1,
  architecture: 'llama',
  parameters: 7e9,
  quantisation: 'Q4_K_M',
  contextTokens: 32_768,
  hasChatTemplate: true,
  licence: 'apache-2.0',
  name: 'Fake 7B',
  memory: { neededBytes: 5e9, freeBytes: 16e9, fits: 'yes', method: 'fake estimate' },
})

/**
 * One FakeModelEngine for each deployment; `all` keeps those that were released, `onLoad` is what the next loads of any
 * do.
 */
export function fakeModelEngines() {
  const all: FakeModelEngine[] = []
  const inspections: { path: string; settings: Partial<EngineSettings> | undefined }[] = []
  const shared = {
    header: (_path: string, _settings?: Partial<EngineSettings>): Partial<ModelInspection> => ({}),
    onLoad: (): void | Promise<void> => undefined,
  }
  const engines = createFakeEngines({
    make: () => {
      const engine = new FakeModelEngine()
      engine.onLoad = () => shared.onLoad()
      all.push(engine)
      return engine
    },
    inspect(path, settings) {
      inspections.push({ path, settings })
      return { ...fakeHeader(path), ...shared.header(path, settings) }
    },
  })
  return Object.assign(engines, {
    shared,
    all,
    inspections,
    /** Of all engines, those of each together. */
    loads: () => all.flatMap((engine) => engine.loads),
    engine: (deploymentId: string): FakeModelEngine => engines.made.get(deploymentId)!,
  })
}
export type FakeModelEngines = ReturnType<typeof fakeModelEngines>

export class FakeModelEngine implements EnginePort {
  readonly loads: { path: string; settings: EngineSettings }[] = []
  unloads = 0
  retries = 0
  running = 0
  stopped = false
  /** Over what stats say of themselves. */
  measured: Partial<EngineStats> = {}
  /** What the next loads do before they succeed; may throw. */
  onLoad: () => void | Promise<void> = () => undefined
  #current: EngineState = { kind: 'stopped' }
  readonly #listeners = new Set<(state: EngineState) => void>()

  async load(model: { path: string; sha256: LoadedModel['sha256'] }, settings: EngineSettings): Promise<LoadedModel> {
    this.loads.push({ path: model.path, settings })
    this.become({ kind: 'starting', attempt: 1 })
    try {
      await this.onLoad()
    } catch (error) {
      this.become({ kind: 'ready' })
      throw error
    }
    const loaded: LoadedModel = {
      sha256: model.sha256,
      contextTokens: settings.contextTokens,
      slots: settings.slots,
      engine: 'fake 1',
      device: 'fake CPU',
    }
    this.become({ kind: 'loaded', model: loaded })
    return loaded
  }

  async unload(): Promise<void> {
    this.unloads += 1
    this.become({ kind: 'ready' })
  }

  submit(): void {
    throw new StokerError('INTERNAL', 'not needed here')
  }
  cancel(): void {}
  async embed(): Promise<never> {
    throw new StokerError('MODEL_UNSUPPORTED', 'not needed here')
  }
  stats(): EngineStats {
    return {
      running: this.running,
      queued: 0,
      slots: 4,
      tokensPerSecond: 0,
      rssBytes: 123_456,
      pid: 77,
      speed: { promptTokensPerSecond: null, perStream: [] },
      waitingPromptTokens: 0,
      cachedTokens: 0,
      promptTokens: 0,
      processes: [
        {
          pid: 77,
          name: 'process 1 of 1',
          state: this.#current.kind,
          rssBytes: 123_456,
          running: this.running,
          slots: 4,
          threads: 1,
        },
      ],
      ...this.measured,
    }
  }
  state(): EngineState {
    return this.#current
  }
  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  get listenerCount(): number {
    return this.#listeners.size
  }
  async retry(): Promise<void> {
    this.retries += 1
    this.become({ kind: 'ready' })
  }
  async stop(): Promise<void> {
    this.stopped = true
    this.become({ kind: 'stopped' })
  }

  become(state: EngineState): void {
    this.#current = state
    for (const listener of this.#listeners) listener(state)
  }
  /** The process dies and comes back without a model. */
  crashAndReturn(): void {
    this.become({ kind: 'backoff', until: 0, attempt: 1 })
    this.become({ kind: 'ready' })
  }
}
