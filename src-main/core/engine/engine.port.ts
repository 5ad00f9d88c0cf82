/**
 * What the core sees of an engine: step-shaped (submit, cancel, stats), so that a faster loop or a remote endpoint can stand behind it.
 * The engine holds no state worth losing; a crash fails its jobs with ENGINE_CRASHED and nothing else notices.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineUsage, FinishReason, InferenceRequest } from '#contract/inference.ts'

export interface EngineSettings {
  /** Context of one slot in engine tokens; prompt + maxTokens beyond it is refused before it starts. */
  contextTokens: number
  /** Sequences of the one context: jobs that run at once. */
  slots: number
  threads: number
  /** 0 on CPU. */
  gpuLayers: number
  /** Off makes a run reproducible. */
  prefixReuse: boolean
}

export interface LoadedModel {
  sha256: ModelSha256
  contextTokens: number
  slots: number
  /** For the transcript: `node-llama-cpp 3.22.1`. */
  engine: string
  /** `CPU: Intel …` or the GPU's name. */
  device: string
}

export type EngineState =
  | { kind: 'stopped' }
  | { kind: 'starting'; attempt: number }
  | { kind: 'ready' }
  | { kind: 'loaded'; model: LoadedModel }
  /** Waiting to restart after a crash. */
  | { kind: 'backoff'; until: number; attempt: number }
  /** Three crashes in a row: only an explicit retry starts it again. */
  | { kind: 'broken'; reason: string }

export interface EngineEvents {
  /** First delta and later ones, batched per tick; never an empty text. */
  onDelta(text: string): void
  onDone(done: { finish: FinishReason; usage: EngineUsage; ttftMs: number; durationMs: number }): void
  /** ENGINE_CRASHED, CONTEXT_TOO_LONG, TEMPLATE_FAILED, GRAMMAR_INVALID, SAMPLING_INVALID, ENGINE_BUSY, ENGINE_NOT_LOADED. Exactly one of onDone and onError is called, once. */
  onError(error: ErrorValue): void
}

export interface EngineStats {
  running: number
  queued: number
  slots: number
  tokensPerSecond: number
  rssBytes: number
  pid: number | null
}

/** What a GGUF's header says and whether it fits, read without loading it; the shape of `modelInfo` in contract/models.ts. Sizes in bytes; `parameters` is the sum of the tensors' elements. */
export interface ModelInspection {
  fileName: string
  path: string
  sizeBytes: number
  architecture: string
  parameters: number | null
  quantisation: string
  /** Context the model was trained for, in tokens. */
  contextTokens: number | null
  hasChatTemplate: boolean
  licence: string | null
  name: string | null
  memory: { neededBytes: number; freeBytes: number; fits: 'yes' | 'tight' | 'no'; method: string }
}

export interface EnginePort {
  /** Reads the header in the host process (starts it when needed) and estimates memory for `settings` (default: a context of at most 4,096 tokens, one slot). Errors: MODEL_UNREADABLE, MODEL_EMPTY, MODEL_NOT_GGUF, MODEL_TRUNCATED, MODEL_TOO_BIG, MODEL_UNSUPPORTED, ENGINE_CRASHED, ENGINE_BROKEN. */
  inspect(path: string, settings?: Partial<EngineSettings>): Promise<ModelInspection>
  /** Starts the host when needed. Errors: MODEL_*, ENGINE_LOAD_FAILED, ENGINE_OUT_OF_MEMORY, ENGINE_BROKEN. */
  load(model: { path: string; sha256: ModelSha256 }, settings: EngineSettings): Promise<LoadedModel>
  unload(): Promise<void>
  /** Never throws; every outcome arrives through `events`. A queue of at most 64 stands before the slots, beyond it ENGINE_BUSY. */
  submit(jobId: string, request: InferenceRequest, events: EngineEvents): void
  /** Takes effect within one step (one decode, or at most 128 prompt tokens); ends in onDone with finish `cancelled`. Unknown ids are ignored. */
  cancel(jobId: string): void
  stats(): EngineStats
  state(): EngineState
  onState(listener: (state: EngineState) => void): () => void
  /** After ENGINE_BROKEN: the owner's explicit retry. */
  retry(): Promise<void>
  stop(): Promise<void>
}
