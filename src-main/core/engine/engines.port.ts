/** All engines of the rig: one for each deployment that is or was in memory. */
import type { EngineGpu, EngineSettings, EnginePort, ModelInspection, ModelFile } from './engine.port.ts'

/** A server that speaks the OpenAI API. */
export interface RemoteEndpoint {
  /** Base address that `/v1/…` is appended to, http or https. */
  url: string
  /** Sent as a Bearer token; null for none. Never logged. */
  key: string | null
  /** Requests it takes at once. */
  slots: number
}

/**
 * What stands behind a deployment. Local: as many processes as its settings say. Remote: a pool of endpoints that serve
 * the same model.
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
/** Short measurements of one model on this machine. `settings` is what was fastest; `points` is what was seen. */
export interface Calibration {
  settings: Required<Pick<EngineSettings, 'processes' | 'threads' | 'batchTokens' | 'gpus'>>
  promptTokensPerSecond: number
  points: CalibrationPoint[]
  durationMs: number
  /** Other programs left the processor alone when it began. */
  quiet: boolean
  /** Layers lay on a GPU; it says nothing of the processor alone then. */
  onGpu: boolean
}

export interface CalibrateOptions {
  signal: AbortSignal
  onProgress(this: void, done: number, of: number): void
  /** After so long nothing further is begun to be measured; the engine's own patience by default. */
  budgetMs?: number
}

export interface EnginesPort {
  /**
   * The engine of a deployment; made when first asked for, the same one afterwards. `kind` counts the first time only.
   */
  of(deploymentId: string, kind: EngineKind): EnginePort
  /**
   * The GPUs the engine can use here, in its own order; none on a machine without, and one only where memory is shared
   * with the processor. Asked in a host of its own. Errors: ENGINE_CRASHED, ENGINE_BROKEN.
   */
  gpus(): Promise<EngineGpu[]>
  /**
   * Reads the header in a host of its own, so that nothing that runs waits for it; with `gpus: 'each'` in one for each
   * GPU, and what is told of memory is the tightest one's. Errors: MODEL_UNREADABLE, MODEL_EMPTY, MODEL_NOT_GGUF,
   * MODEL_TRUNCATED, MODEL_TOO_BIG, MODEL_UNSUPPORTED, ENGINE_CRASHED, ENGINE_BROKEN.
   */
  inspect(path: string, settings?: Partial<EngineSettings>): Promise<ModelInspection>
  /**
   * Loads the model in hosts of its own for some seconds and measures. Not while others run: their streams would be
   * disturbed and the figures wrong. Errors as load, CANCELLED.
   */
  calibrate(model: ModelFile, settings: EngineSettings, options: CalibrateOptions): Promise<Calibration>
  /** Models a server offers, by its own list. Errors: ENGINE_UNREACHABLE, ENGINE_REFUSED. */
  remoteModels(endpoint: Pick<RemoteEndpoint, 'url' | 'key'>): Promise<{ id: string; contextTokens: number | null }[]>
  /**
   * Ends the hosts that belong to no deployment, within a second: what reads headers or measures in them fails with
   * CANCELLED. The next call starts others.
   */
  endHelpers(): Promise<void>
  /** Ends a deployment's engine and forgets it. */
  release(deploymentId: string): Promise<void>
  stop(): Promise<void>
}
