/**
 * The messages between the core's side of an engine (client.ts) and its host process (host/). Small and typed; the host parses what it
 * gets, the client trusts its own child. Texts of jobs travel here and nowhere else.
 */
import { z } from 'zod'

import type { ErrorValue } from '#contract/errors.ts'
import type { EngineUsage, FinishReason } from '#contract/inference.ts'
import type { LoadedModel, ModelInspection } from '#core/engine/engine.port.ts'

/** Jobs that may wait before the slots; one more is ENGINE_BUSY. */
export const QUEUE_MAX = 64
/** Prompt tokens one step may evaluate. */
export const STEP_PROMPT_TOKENS = 128
export const ENGINE_NAME = 'node-llama-cpp 3.22.1'

const settings = z.object({
  contextTokens: z.number().int().min(32).max(1_048_576),
  slots: z.number().int().min(1).max(64),
  threads: z.number().int().min(1).max(256),
  gpuLayers: z.number().int().min(0).max(1_000),
  prefixReuse: z.boolean(),
})
const path = z.string().min(1).max(4_096)
const callId = z.number().int().min(0)
const jobKey = z.string().min(1).max(128)

export const hostRequest = z.discriminatedUnion('t', [
  z.object({ t: z.literal('load'), id: callId, path, sha256: z.string().max(64), settings }),
  z.object({ t: z.literal('unload'), id: callId }),
  z.object({ t: z.literal('inspect'), id: callId, path, settings: settings.partial() }),
  /** `request` is parsed by itself, so that a bad one ends its own job only. */
  z.object({ t: z.literal('submit'), job: jobKey, request: z.unknown() }),
  z.object({ t: z.literal('cancel'), job: jobKey }),
  z.object({ t: z.literal('stop') }),
])
export type HostRequest = z.infer<typeof hostRequest>

export interface HostStats {
  running: number
  queued: number
  slots: number
  tokensPerSecond: number
  rssBytes: number
}

export type HostEvent =
  /** First message of a host; nothing is sent to it before. */
  | { t: 'ready'; pid: number }
  | { t: 'result'; id: number; value: LoadedModel | ModelInspection | null }
  | { t: 'failed'; id: number; error: ErrorValue }
  /** At most one a step, for all jobs together. */
  | { t: 'deltas'; items: { job: string; text: string }[] }
  | { t: 'done'; job: string; finish: FinishReason; usage: EngineUsage; ttftMs: number; durationMs: number }
  | { t: 'error'; job: string; error: ErrorValue }
  | { t: 'stats'; stats: HostStats }
