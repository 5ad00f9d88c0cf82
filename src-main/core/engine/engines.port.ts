/** All engines of the rig: one for each deployment that is or was in memory. */
import type { EngineGpu, EngineSettings, EnginePort, ModelInspection, ModelFile } from './engine.port.ts'

/** A server with an OpenAI-compatible API. */
export interface RemoteEndpoint {
  /** Base address that `/v1/…` is appended to, http or https. */
  url: string
  /** Sent as a Bearer token; null for none. Never logged. */
  key: string | null
  /** Requests it takes at once. */
  slots: number
}

/**
 * What a deployment runs on. Local: as many processes as its settings say. Remote: a pool of endpoints that serve the
 * same model.
 */
export type EngineKind =
  | { kind: 'local' }
  | { kind: 'remote'; model: string; contextTokens: number; endpoints: readonly RemoteEndpoint[] }

export interface CalibrationPoint {
  processes: number
  threads: number
  streams: number
  tokensPerSecond: number
}
/** Short measurements of one model on this machine. `settings` was fastest; `points` are the measured rates. */
export interface Calibration {
  settings: Required<Pick<EngineSettings, 'processes' | 'threads' | 'batchTokens' | 'gpus'>>
  promptTokensPerSecond: number
  points: CalibrationPoint[]
  durationMs: number
  /** Other programs did not load the processor when it began. */
  quiet: boolean
  /** Layers were on a GPU: it does not apply to the processor alone. */
  onGpu: boolean
}

export interface CalibrateOptions {
  signal: AbortSignal
  onProgress(this: void, done: number, of: number): void
  /** After this time no further measurement is started; the engine has a default of its own. */
  budgetMs?: number
}

export interface EnginesPort {
  /**
   * The engine of a deployment, created at the first call. `kind` is used at the first call only.
   */
  of(deploymentId: string, kind: EngineKind): EnginePort
  /**
   * The GPUs that the engine can use here, in its own order; none on a machine without one, and only one where it shares
   * memory with the processor. Determined in a host of its own. Errors: ENGINE_CRASHED, ENGINE_BROKEN.
   */
  gpus(): Promise<EngineGpu[]>
  /**
   * Reads the header in a host of its own, so that no stream waits for it; with `gpus: 'each'` in one host for each GPU,
   * and the memory of the tightest GPU is returned. Errors: MODEL_UNREADABLE, MODEL_EMPTY, MODEL_NOT_GGUF,
   * MODEL_TRUNCATED, MODEL_TOO_BIG, MODEL_UNSUPPORTED, ENGINE_CRASHED, ENGINE_BROKEN.
   */
  inspect(path: string, settings?: Partial<EngineSettings>): Promise<ModelInspection>
  /**
   * Loads the model in hosts of its own for some seconds and measures. Not while other engines run: it would disturb
   * their streams and get wrong figures. Errors as load, CANCELLED.
   */
  calibrate(model: ModelFile, settings: EngineSettings, options: CalibrateOptions): Promise<Calibration>
  /** Models a server offers, by its own list. Errors: ENGINE_UNREACHABLE, ENGINE_REFUSED. */
  remoteModels(endpoint: Pick<RemoteEndpoint, 'url' | 'key'>): Promise<{ id: string; contextTokens: number | null }[]>
  /**
   * Stops the hosts that belong to no deployment, within a second: inspections and calibrations in them fail with
   * CANCELLED. The next call starts others.
   */
  endHelpers(): Promise<void>
  /** Stops a deployment's engine and forgets it. */
  release(deploymentId: string): Promise<void>
  stop(): Promise<void>
}
