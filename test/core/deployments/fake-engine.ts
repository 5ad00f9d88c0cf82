/** An engine that loads by a test's say: loads wait until let through, crashes are announced, headers are what the test set. */
import { StokerError } from '#contract/errors.ts'
import type { EnginePort, EngineSettings, EngineState, LoadedModel, ModelInspection } from '#core/engine/engine.port.ts'

export class FakeModelEngine implements EnginePort {
  readonly loads: { path: string; settings: EngineSettings }[] = []
  readonly inspections: { path: string; settings: Partial<EngineSettings> | undefined }[] = []
  unloads = 0
  retries = 0
  running = 0
  /** What the next inspections say; a function may throw. */
  header: (path: string, settings: Partial<EngineSettings> | undefined) => Partial<ModelInspection> = () => ({})
  /** What the next loads do before they succeed; may throw. */
  onLoad: () => void | Promise<void> = () => undefined
  private current: EngineState = { kind: 'stopped' }
  private readonly listeners = new Set<(state: EngineState) => void>()

  async inspect(path: string, settings?: Partial<EngineSettings>): Promise<ModelInspection> {
    this.inspections.push({ path, settings })
    return {
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
      ...this.header(path, settings),
    }
  }

  async load(model: { path: string; sha256: LoadedModel['sha256'] }, settings: EngineSettings): Promise<LoadedModel> {
    this.loads.push({ path: model.path, settings })
    this.become({ kind: 'starting', attempt: 1 })
    try {
      await this.onLoad()
    } catch (error) {
      this.become({ kind: 'ready' })
      throw error
    }
    const loaded: LoadedModel = { sha256: model.sha256, contextTokens: settings.contextTokens, slots: settings.slots, engine: 'fake 1', device: 'fake CPU' }
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
  stats() {
    return { running: this.running, queued: 0, slots: 4, tokensPerSecond: 0, rssBytes: 123_456, pid: null }
  }
  state(): EngineState {
    return this.current
  }
  onState(listener: (state: EngineState) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  get listenerCount(): number {
    return this.listeners.size
  }
  async retry(): Promise<void> {
    this.retries += 1
    this.become({ kind: 'ready' })
  }
  async stop(): Promise<void> {
    this.become({ kind: 'stopped' })
  }

  become(state: EngineState): void {
    this.current = state
    for (const listener of this.listeners) listener(state)
  }
  /** The process dies and comes back without a model. */
  crashAndReturn(): void {
    this.become({ kind: 'backoff', until: 0, attempt: 1 })
    this.become({ kind: 'ready' })
  }
}
