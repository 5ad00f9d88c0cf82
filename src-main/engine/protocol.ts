/**
 * The messages between the core's side of an engine (client/) and its host process (host/). Small and typed; the host
 * parses what it gets, the client trusts its own child. The texts of jobs travel here and nowhere else.
 */
import { z } from 'zod'

import type { ErrorValue } from '#contract/errors.ts'
import type { EngineUsage, FinishReason, TokenLogprob, ToolCall } from '#contract/inference.ts'
import type { EngineGpu, EngineSpeed, LoadedModel, ModelInspection } from '#core/engine/engine.port.ts'

/** Most jobs that wait for a slot; one more is ENGINE_BUSY. */
export const QUEUE_MAX = 64
/** Most prompt tokens of one job in a step that it shares; a cancel waits for one step at most. */
export const STEP_PROMPT_TOKENS = 128
/** Texts of one embed call. */
export const EMBED_TEXTS_MAX = 256
/** Most embed calls that wait at once; one more is ENGINE_BUSY. */
export const EMBED_CALLS_MAX = 16
/** Ids longer than this are refused. */
export const JOB_KEY_MAX = 128
/** A week: later deadlines count as this one. */
export const DEADLINE_MS_MAX = 604_800_000
export const ENGINE_NAME = 'node-llama-cpp 3.22.1'

const settings = z.object({
  contextTokens: z.number().int().min(32).max(1_048_576),
  slots: z.number().int().min(1).max(64),
  threads: z.number().int().min(1).max(256),
  gpuLayers: z.number().int().min(0).max(1_000),
  processes: z.number().int().min(1).max(8).exactOptional(),
  gpus: z.enum(['together', 'each']).exactOptional(),
  kvType: z.enum(['f16', 'q8_0']).exactOptional(),
  flashAttention: z.enum(['auto', 'on', 'off']).exactOptional(),
  batchTokens: z.number().int().min(32).max(2_048).exactOptional(),
  savedPrefixBytes: z
    .number()
    .int()
    .min(0)
    .max(64 * 2 ** 30)
    .exactOptional(),
  prefixReuse: z.boolean(),
})
const path = z.string().min(1).max(4_096)
const callId = z.number().int().min(0)
const jobKey = z.string().min(1).max(JOB_KEY_MAX)

export const engineHostRequest = z.discriminatedUnion('t', [
  z.object({ t: z.literal('load'), id: callId, path, sha256: z.string().max(64), settings }),
  z.object({ t: z.literal('unload'), id: callId }),
  z.object({ t: z.literal('inspect'), id: callId, path, settings: settings.partial() }),
  z.object({ t: z.literal('gpus'), id: callId }),
  /**
   * `request` is parsed separately, so that a bad one fails its own job only. `deadlineMs` counts from the message's
   * arrival.
   */
  z.object({
    t: z.literal('submit'),
    job: jobKey,
    request: z.unknown(),
    priority: z.enum(['own', 'job', 'exam']),
    deadlineMs: z.number().min(0).max(DEADLINE_MS_MAX).nullable(),
  }),
  z.object({ t: z.literal('cancel'), job: jobKey }),
  /** `texts` are parsed separately, so that bad ones get an answer. */
  z.object({ t: z.literal('embed'), id: callId, texts: z.unknown() }),
  /** Cancels an embed call, between two texts. */
  z.object({ t: z.literal('cancel-embed'), call: callId }),
  /** Most threads of this process from now on, until the next load. */
  z.object({ t: z.literal('threads'), limit: z.number().int().min(1).max(256) }),
  /** Answered by `pong` at once: between two steps. */
  z.object({ t: z.literal('ping'), n: z.number().int().min(0) }),
  z.object({ t: z.literal('stop') }),
])
export type EngineHostRequest = z.infer<typeof engineHostRequest>

/** Counted in engine tokens; see EngineStats. */
export interface HostStats {
  running: number
  queued: number
  slots: number
  tokensPerSecond: number
  rssBytes: number
  speed: EngineSpeed
  waitingPromptTokens: number
  cachedTokens: number
  promptTokens: number
  /** The governor's choice for the next step. */
  threads: number
}

export interface Embedded {
  vectors: number[][]
  promptTokens: number
}

export interface DeltaItem {
  job: string
  text: string
  logprobs?: TokenLogprob[]
}

export type EngineHostEvent =
  /** First message of a host; nothing is sent to it before. */
  | { t: 'ready'; pid: number }
  | { t: 'result'; id: number; value: LoadedModel | ModelInspection | Embedded | EngineGpu[] | null }
  | { t: 'failed'; id: number; error: ErrorValue }
  /** For all jobs together; never an empty text. */
  | { t: 'deltas'; items: DeltaItem[] }
  | {
      t: 'done'
      job: string
      finish: FinishReason
      usage: EngineUsage
      ttftMs: number
      durationMs: number
      toolCalls?: ToolCall[]
    }
  | { t: 'error'; job: string; error: ErrorValue }
  | { t: 'stats'; stats: HostStats }
  /** Of the load under way: steps of its warm-up that are done. */
  | { t: 'warming'; done: number; of: number }
  | { t: 'pong'; n: number }
