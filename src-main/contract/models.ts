/** Models (GGUF files known by SHA-256) and deployments (a model on an engine with settings). */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'

import { deploymentId, epochMs, sha256 } from './primitives.ts'
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
  memory: z.object({ neededBytes: z.number(), freeBytes: z.number(), fits: z.enum(['yes', 'tight', 'no']), method: z.string() }),
})
export type ModelInfo = z.infer<typeof modelInfo>

export const model = modelInfo.extend({ sha256, addedAt: epochMs, bundled: z.boolean(), state: z.enum(['ready', 'missing', 'changed']), card: z.string().nullable() })
export type Model = z.infer<typeof model>

export const deploymentSettings = z.object({
  contextTokens: z.number().int().min(32).max(1_048_576),
  slots: z.number().int().min(1).max(64),
  threads: z.number().int().min(1).max(256),
  gpuLayers: z.number().int().min(0).max(1_000),
})
export const deployment = z.object({
  deploymentId,
  sha256,
  modelName: z.string(),
  settings: deploymentSettings,
  createdAt: epochMs,
  state: z.enum(['stopped', 'loading', 'loaded', 'failed']),
  detail: z.string().nullable(),
  rssBytes: z.number().nullable(),
})
export type Deployment = z.infer<typeof deployment>

export const importProgress = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hashing'), doneBytes: z.number(), totalBytes: z.number() }),
  z.object({ kind: z.literal('done'), model }),
])

export const modelsContract = {
  list: method('read').output(z.array(model)),
  inspect: method('read')
    .input(z.object({ path: z.string().min(1).max(4_096) }))
    .output(modelInfo),
  /** Imports by path (the file stays where it is). Errors: MODEL_NOT_GGUF, _EMPTY, _TRUNCATED, _UNREADABLE, _TOO_BIG, _UNSUPPORTED. */
  import: method('operate')
    .input(z.object({ path: z.string().min(1).max(4_096) }))
    .output(eventIterator(importProgress)),
  remove: method('operate')
    .input(z.object({ sha256 }))
    .output(z.object({ removed: z.boolean() })),
  deployments: method('read').output(z.array(deployment)),
  /** Creates (or finds) the deployment of these settings and loads it; defaults are chosen from the machine. */
  deploy: method('operate')
    .input(z.object({ sha256, settings: deploymentSettings.partial().optional() }))
    .output(deployment),
  unload: method('operate').input(z.object({ deploymentId })).output(deployment),
  retryEngine: method('operate').output(z.object({ state: z.string() })),
}
