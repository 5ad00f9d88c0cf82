/** Models (GGUF files known by SHA-256) and deployments (a model on an engine with settings). */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'

import { ENGINE_CODES, MODEL_FILE_CODES } from './error-codes.ts'
import { currency, deploymentId, epochMs, reason, sha256, venueId } from './primitives.ts'
import { method } from './scope.ts'

/** What the header says, read before anything is loaded. */
export const modelInfo = z.object({
  fileName: z.string(),
  path: z.string(),
  sizeBytes: z.number().int(),
  architecture: z.string(),
  parameters: z.number().nullable(),
  quantisation: z.string(),
  contextTokens: z.number().int().nullable(),
  hasChatTemplate: z.boolean(),
  licence: z.string().nullable(),
  name: z.string().nullable(),
  memory: z.object({
    neededBytes: z.number(),
    freeBytes: z.number(),
    fits: z.enum(['yes', 'tight', 'no']),
    method: z.string(),
  }),
})
export type ModelInfo = z.infer<typeof modelInfo>

export const model = modelInfo.extend({
  sha256,
  addedAt: epochMs,
  bundled: z.boolean(),
  state: z.enum(['ready', 'missing', 'changed']),
  card: z.string().nullable(),
  /** Of a split model, in their order; missing where the model is one file. Each hash is of that file alone. */
  parts: z.array(z.object({ path: z.string(), sizeBytes: z.number().int(), sha256 })).optional(),
})
export type Model = z.infer<typeof model>

export const deploymentSettings = z.object({
  /** Context of one slot. */
  contextTokens: z.number().int().min(32).max(1_048_576),
  /** Jobs at once, over all processes. */
  slots: z.number().int().min(1).max(64),
  /** Most threads, over all processes. */
  threads: z.number().int().min(1).max(256),
  gpuLayers: z.number().int().min(0).max(1_000),
  /** Engine processes that share slots and threads. */
  processes: z.number().int().min(1).max(8),
  /**
   * With several GPUs and layers on them: `together`, every process has its layers spread over all of them; `each`,
   * process i has the whole model on GPU i mod n. `together` where no layer lies on a GPU.
   */
  gpus: z.enum(['together', 'each']),
  kvType: z.enum(['f16', 'q8_0']),
  flashAttention: z.enum(['auto', 'on', 'off']),
  /** Prompt tokens evaluated at once while nothing else runs. */
  batchTokens: z.number().int().min(32).max(2_048),
})

/** One engine process, or one endpoint of a remote pool. */
export const engineProcess = z.object({
  pid: z.number().int().nullable(),
  name: z.string(),
  state: z.enum(['stopped', 'starting', 'ready', 'loaded', 'backoff', 'broken', 'unreachable']),
  rssBytes: z.number(),
  running: z.number().int(),
  slots: z.number().int(),
  /** In use now, after stepping down for other programs; 0 where unknown. */
  threads: z.number().int(),
})

const endpointUrl = z
  .string()
  .max(2_048)
  .regex(/^https?:\/\//)

export const deployment = z.object({
  deploymentId,
  sha256,
  modelName: z.string(),
  /** Keys of endpoints are kept and never shown. */
  engine: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('local') }),
    z.object({
      kind: z.literal('remote'),
      model: z.string(),
      endpoints: z.array(z.object({ url: z.string(), hasKey: z.boolean(), slots: z.number().int() })),
    }),
  ]),
  settings: deploymentSettings,
  createdAt: epochMs,
  state: z.enum(['stopped', 'loading', 'loaded', 'failed']),
  /** Why it is in this state, or the device it runs on. */
  detail: reason.nullable(),
  rssBytes: z.number().nullable(),
  processes: z.array(engineProcess),
  /**
   * Milliseconds without work after which it is unloaded; null keeps it in memory. A listed deployment is never
   * unloaded for idleness.
   */
  idleUnloadMs: z.number().int().nullable(),
  /** Measured while it served; null before. `perStream[n - 1]`: engine tokens per second of each of n streams. */
  speed: z
    .object({ promptTokensPerSecond: z.number().nullable(), perStream: z.array(z.number().nullable()) })
    .nullable(),
  /** Prompt tokens since the load: taken from the cache, and evaluated. */
  cache: z.object({ cachedTokens: z.number().int(), evaluatedTokens: z.number().int() }).nullable(),
  /**
   * What the newest quiet measurement found fastest, where these settings are others; null where they are not or
   * nothing was measured. Passed to `deploy` over `settings` it makes a deployment of its own: a qualification stays
   * with the old one, and nothing changes by itself.
   */
  measured: z
    .object({
      processes: z.number().int(),
      threads: z.number().int(),
      batchTokens: z.number().int(),
      gpus: deploymentSettings.shape.gpus,
    })
    .nullable()
    .optional(),
  /** After ENGINE_OUT_OF_MEMORY: the next smaller setting that should fit. */
  smaller: z.object({ contextTokens: z.number().int(), slots: z.number().int() }).nullable(),
})
export type Deployment = z.infer<typeof deployment>
/** What memory a load needs depends on these most; offered after ENGINE_OUT_OF_MEMORY. */
export type SmallerSettings = NonNullable<Deployment['smaller']>

/** Short measurements of one model on this machine, kept for both. */
export const calibration = z.object({
  sha256,
  machine: z.string(),
  at: epochMs,
  processes: z.number().int(),
  threads: z.number().int(),
  batchTokens: z.number().int(),
  gpus: deploymentSettings.shape.gpus,
  /** Layers lay on a GPU: the result is used for such deployments only, and the others' for the others. */
  onGpu: z.boolean(),
  promptTokensPerSecond: z.number(),
  points: z.array(
    z.object({
      processes: z.number().int(),
      threads: z.number().int(),
      streams: z.number().int(),
      tokensPerSecond: z.number(),
    }),
  ),
  /**
   * False when other programs used the processor meanwhile: the figures are lower than they could be, and the next
   * first load measures again.
   */
  quiet: z.boolean(),
})
export type CalibrationView = z.infer<typeof calibration>
export const calibrationProgress = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('measuring'), done: z.number().int(), of: z.number().int() }),
  z.object({ kind: z.literal('done'), calibration }),
])

export const remoteEndpoint = z.object({
  url: endpointUrl,
  key: z.string().min(1).max(4_096).nullable(),
  slots: z.number().int().min(1).max(64),
})

/** What giving the machine back cost: nothing here is earned, and no buyer pays for it. */
export const handedBack = z.object({
  tookMs: z.number().int(),
  unloaded: z.number().int(),
  /** Jobs not begun, sent back for another supplier. */ handedOff: z.number().int(),
  /** Jobs ended in the middle; their buyers pay nothing. */ failed: z.number().int(),
  /** What the failed jobs' delivered text would have earned after the fee, of each venue in its unit. */
  notEarned: z.array(z.object({ venueId, currency, sellerNano: z.number().int() })),
  lostTokens: z.number().int(),
  paused: z.array(z.string()),
})
export type HandedBack = z.infer<typeof handedBack>

export const importProgress = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hashing'), doneBytes: z.number(), totalBytes: z.number() }),
  z.object({ kind: z.literal('done'), model }),
])

/** Bringing a model into memory. */
const LOAD_CODES = ['NOT_FOUND', 'MODEL_IN_USE', ...MODEL_FILE_CODES, ...ENGINE_CODES] as const

export const modelsContract = {
  list: method('read', []).output(z.array(model)),
  inspect: method('read', [...MODEL_FILE_CODES, ...ENGINE_CODES])
    .input(z.object({ path: z.string().min(1).max(4_096) }))
    .output(modelInfo),
  /**
   * Imports by path (the file stays where it is). Errors: MODEL_NOT_GGUF, _EMPTY, _TRUNCATED, _UNREADABLE, _TOO_BIG,
   * _UNSUPPORTED.
   */
  import: method('operate', [...MODEL_FILE_CODES, ...ENGINE_CODES])
    .input(z.object({ path: z.string().min(1).max(4_096) }))
    .output(eventIterator(importProgress)),
  remove: method('operate', ['MODEL_IN_USE', 'CONFLICT', ...ENGINE_CODES])
    .input(z.object({ sha256 }))
    .output(z.object({ removed: z.boolean() })),
  deployments: method('read', []).output(z.array(deployment)),
  /**
   * Creates (or finds) the deployment of these settings and loads it; defaults are chosen from the machine. Without
   * settings: the one of the model used last, as it was. After a measurement, `{ ...deployment.settings,
   * ...deployment.measured }` uses what was found.
   */
  deploy: method('operate', LOAD_CODES)
    .input(z.object({ sha256, settings: deploymentSettings.partial().optional() }))
    .output(deployment),
  unload: method('operate', ['NOT_FOUND', 'MODEL_IN_USE', ...ENGINE_CODES])
    .input(z.object({ deploymentId }))
    .output(deployment),
  retryEngine: method('operate', LOAD_CODES).output(z.object({ state: z.string() })),
  /** Keep in memory (null), or unload after so much idleness (at least a minute). */
  keepWarm: method('operate', ['NOT_FOUND'])
    .input(z.object({ deploymentId, idleUnloadMs: z.number().int().min(60_000).max(604_800_000).nullable() }))
    .output(deployment),
  /** Null before the first measurement of this model on this machine. */
  calibration: method('read', []).input(z.object({ sha256 })).output(calibration.nullable()),
  /**
   * Measures (some ten seconds; nothing may run meanwhile) and keeps the result. Errors: MODEL_*, MODEL_IN_USE,
   * ENGINE_*.
   */
  calibrate: method('operate', LOAD_CODES).input(z.object({ sha256 })).output(eventIterator(calibrationProgress)),
  /** Models that an OpenAI-compatible server offers. Errors: ENGINE_UNREACHABLE, ENGINE_REFUSED. */
  remoteModels: method('operate', ENGINE_CODES)
    .input(remoteEndpoint.pick({ url: true, key: true }))
    .output(z.array(z.object({ id: z.string(), contextTokens: z.number().int().nullable() }))),
  /** Makes (or finds) the deployment of a pool of servers that serve one model, and checks them. */
  connectRemote: method('money', [...LOAD_CODES, 'TOO_LARGE'])
    .input(
      z.object({
        model: z.string().min(1).max(256),
        contextTokens: z.number().int().min(32).max(1_048_576),
        endpoints: z.array(remoteEndpoint).min(1).max(16),
      }),
    )
    .output(deployment),
  /**
   * Gives the machine back to its owner. `now`: within a second; listings pause, jobs that have not begun go to other
   * suppliers, the others fail with a refund. `finish`: no new jobs, running ones finish (at most ten minutes), then
   * the models leave the memory.
   */
  handBack: method('operate', [])
    .input(z.object({ rule: z.enum(['now', 'finish']) }))
    .output(handedBack),
}
