/**
 * What the core sees of one deployment's engine: submit, cancel, stats. Behind it is one local process, several of them,
 * or a pool of remote endpoints. An engine holds no state that must survive: a crash fails its jobs with ENGINE_CRASHED
 * and has no other effect.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineRequest, EngineUsage, FinishReason, TokenLogprob, ToolCall } from '#contract/inference.ts'

export interface EngineSettings {
  /** Context of one slot in engine tokens; prompt + maxTokens beyond it is refused before it starts. */
  contextTokens: number
  /** Sequences that run at once, over all processes together. */
  slots: number
  /** Most threads of all processes together; fewer are used while other programs use the cores. */
  threads: number
  /** 0 on CPU; 1,000 means all. */
  gpuLayers: number
  /** Engine processes; slots and threads are divided among them. Default 1. */
  processes?: number
  /**
   * With several GPUs and layers on them. `together`, the default: every process sees all of them, and llama.cpp
   * spreads the layers over them. `each`: process i sees GPU i mod n only, and has the whole model there.
   */
  gpus?: 'together' | 'each'
  /** Of the KV cache: q8_0 halves its memory. Default f16. */
  kvType?: 'f16' | 'q8_0'
  /** Default auto. */
  flashAttention?: 'auto' | 'on' | 'off'
  /** Most prompt tokens of one step (llama.cpp's n_batch). Default 512. */
  batchTokens?: number
  /**
   * Main memory for saved prefixes (KV cache of earlier jobs, outside the slots), in bytes over all processes. Default
   * 256 MiB; 0 saves none.
   */
  savedPrefixBytes?: number
  /** Reuses the KV cache of common prefixes. Off makes a run reproducible. */
  prefixReuse: boolean
}

export interface LoadedModel {
  sha256: ModelSha256
  contextTokens: number
  slots: number
  /** For the transcript: `node-llama-cpp 3.22.1`, or a remote server's own name. */
  engine: string
  /** `CPU: Intel …`, the GPU's name, or the endpoint. */
  device: string
}

export interface WarmUpProgress {
  done: number
  of: number
}

export type EngineState =
  | { kind: 'stopped' }
  /** `warmUp`: the model is in memory and is warmed up; steps done, and all of them. */
  | { kind: 'starting'; attempt: number; warmUp?: WarmUpProgress }
  | { kind: 'ready' }
  | { kind: 'loaded'; model: LoadedModel }
  /** Waiting to restart after a crash. */
  | { kind: 'backoff'; until: number; attempt: number }
  /** Three crashes in a row: only an explicit retry starts it again. */
  | { kind: 'broken'; reason: Reason }

export interface EngineDone {
  finish: FinishReason
  usage: EngineUsage
  ttftMs: number
  durationMs: number
  /** Tool calls of the model (their text is not among the deltas); finish is then `stop`. */
  toolCalls?: ToolCall[]
}

export interface EngineEvents {
  /**
   * Text as it is generated, several tokens in one delta; never an empty text. `logprobs` of the tokens that made the text,
   * when asked for.
   */
  onDelta(text: string, logprobs?: TokenLogprob[]): void
  onDone(done: EngineDone): void
  /**
   * ENGINE_CRASHED, CONTEXT_TOO_LONG, TEMPLATE_FAILED, GRAMMAR_INVALID, SAMPLING_INVALID, BAD_REQUEST, ENGINE_BUSY,
   * ENGINE_NOT_LOADED, ENGINE_UNREACHABLE, ENGINE_REFUSED. Exactly one of onDone and onError is called, once.
   */
  onError(error: ErrorValue): void
}

/** In the order in which work is taken: own use, jobs near their deadline, jobs, exams in the background. */
export type EnginePriority = 'own' | 'job' | 'exam'

export interface SubmitOptions {
  /** Default `job`. */
  priority?: EnginePriority
  /** Milliseconds from now until the answer must be whole; orders the work, and ends nothing by itself. */
  deadlineMs?: number
}

/**
 * Measured while it serves, never configured; null while nothing was measured. Moving averages in engine tokens per
 * second.
 */
export interface EngineSpeed {
  /** Prompt evaluation of the whole engine. */
  promptTokensPerSecond: number | null
  /** Entry n - 1: rate of each of n concurrent streams; null where not measured. At most `slots` entries. */
  perStream: (number | null)[]
  /**
   * How many times longer a decode takes now than by `perStream`, because of prefills beside it; missing while there were
   * none, or nothing runs.
   */
  crowding?: number
}

export interface EngineProcess {
  /** Null for a remote endpoint. */
  pid: number | null
  /** `process 1 of 2`, or the endpoint's address. */
  name: string
  state: EngineState['kind'] | 'unreachable'
  rssBytes: number
  running: number
  slots: number
  /** Threads in use now, fewer while other programs use the cores; 0 where unknown. */
  threads: number
}

export interface EngineStats {
  running: number
  queued: number
  slots: number
  tokensPerSecond: number
  /** Of all processes. */
  rssBytes: number
  /** Of the first process. */
  pid: number | null
  speed: EngineSpeed
  /** Prompt tokens accepted and not yet evaluated. */
  waitingPromptTokens: number
  /** Prompt tokens since the load that came from the prefix cache, and those that were evaluated. */
  cachedTokens: number
  promptTokens: number
  processes: EngineProcess[]
  /**
   * How long a local process with a model has not answered whether it is there, the longest of them, ms; 0 or missing
   * while all answer.
   */
  silentMs?: number
}

/**
 * What a GGUF's header says and whether it fits, read without loading it; the shape of `modelInfo` in
 * contract/models.ts. Sizes in bytes; `parameters` is the sum of the tensors' elements.
 */
export interface ModelInspection {
  fileName: string
  path: string
  /** Paths of all parts of a split model, in their order; missing for a model of one file. */
  parts?: string[]
  /** Of all parts. */
  sizeBytes: number
  architecture: string
  parameters: number | null
  quantisation: string
  /** Context the model was trained for, in tokens. */
  contextTokens: number | null
  /** Blocks of the model, as the header counts them; null or missing where it does not. */
  layers?: number | null
  hasChatTemplate: boolean
  licence: string | null
  name: string | null
  memory: { neededBytes: number; freeBytes: number; fits: 'yes' | 'tight' | 'no'; method: string }
}

/** A GPU that llama.cpp would offload layers to. */
export interface EngineGpu {
  /** Index among all GPUs of its backend, from 0. */
  index: number
  name: string
  /** `Vulkan`, `CUDA`, `Metal`; missing, as all below, where the engine cannot tell. */
  backend?: string
  /** Its memory is main memory. */
  integrated?: boolean
  /** As the engine sees them in a process of its own, bytes. */
  totalBytes?: number
  freeBytes?: number
  /** `0000:01:00.0`; null where the backend does not say. */
  pci?: string | null
}

export interface ModelFile {
  /** Of the first part of a split model. */
  path: string
  sha256: ModelSha256
  /**
   * Asked before every load of the file, also by a host that comes back after a crash: rejects (MODEL_MISSING,
   * MODEL_CHANGED) when it is not the file of this hash any more.
   */
  check?(): Promise<void>
}

export interface EnginePort {
  /**
   * Starts the hosts when needed. Errors: MODEL_*, ENGINE_LOAD_FAILED, ENGINE_OUT_OF_MEMORY (`data` then holds the next
   * smaller setting: slots, contextTokens), ENGINE_BROKEN, ENGINE_UNREACHABLE.
   */
  load(model: ModelFile, settings: EngineSettings): Promise<LoadedModel>
  unload(): Promise<void>
  /**
   * Never throws; every outcome arrives through `events`. Jobs wait for a slot in a bounded queue; beyond its bound
   * ENGINE_BUSY.
   */
  submit(jobId: string, request: EngineRequest, events: EngineEvents, options?: SubmitOptions): void
  /**
   * Takes effect within one step (one decode, or at most 128 prompt tokens); ends in onDone with finish `cancelled`.
   * Unknown ids are ignored.
   */
  cancel(jobId: string): void
  /**
   * One vector a text, of length 1. Errors: MODEL_UNSUPPORTED (no embedding model), CONTEXT_TOO_LONG, ENGINE_*,
   * CANCELLED once the signal is aborted (after the text in progress). At most 256 texts.
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; promptTokens: number }>
  stats(): EngineStats
  state(): EngineState
  onState(listener: (state: EngineState) => void): () => void
  /** After ENGINE_BROKEN: the owner's explicit retry. */
  retry(): Promise<void>
  /**
   * Stops its processes within a second, if necessary by SIGKILL; running jobs fail with ENGINE_NOT_LOADED.
   */
  stop(): Promise<void>
}
