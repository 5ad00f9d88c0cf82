/** What a model with these settings would need, by the library's dry run; nothing is loaded. */
import { freemem, totalmem } from 'node:os'

import { GgufInsights, readGgufFileInfo } from 'node-llama-cpp'

import type { EngineSettings } from '#core/engine/engine.port.ts'

import { STEP_PROMPT_TOKENS } from '../protocol.ts'
import { llamaInstance } from './llama.ts'

export interface MemoryEstimate {
  neededBytes: number
  freeBytes: number
  totalBytes: number
  supported: boolean
  method: string
}

type Wish = Pick<EngineSettings, 'contextTokens' | 'slots' | 'gpuLayers'>

const DRY_RUN_SHARE = 0.25

/** Main memory and video memory are added: a rough answer to "does it fit" before the load gives the exact one. */
export async function estimateMemory(path: string, settings: Wish): Promise<MemoryEstimate> {
  const gpu = settings.gpuLayers > 0
  const llama = await llamaInstance(gpu)
  const insights = await GgufInsights.from(await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false }), llama)
  const video = gpu ? await llama.getVramState() : { free: 0, total: 0 }
  const freeBytes = Math.min(freemem(), process.availableMemory()) + video.free
  const { neededBytes, how } = await needs(insights, settings, freeBytes)
  return {
    neededBytes,
    freeBytes,
    totalBytes: totalmem() + video.total,
    supported: insights.isSupportedByLlamaCpp,
    method: `${llama.gpu === false ? 'CPU' : llama.gpu}, ${settings.slots} × ${settings.contextTokens} tokens, ${how}`,
  }
}

/** The dry run works with the context's real size (24 s for 64 slots of a million tokens), so it is left out where the sum alone comes near what is free. */
async function needs(insights: GgufInsights, { contextTokens, slots, gpuLayers }: Wish, freeBytes: number): Promise<{ neededBytes: number; how: string }> {
  const wish = { contextSize: contextTokens, sequences: slots, modelGpuLayers: gpuLayers, batchSize: STEP_PROMPT_TOKENS + slots }
  const total = (...parts: { cpuRam: number; gpuVram: number }[]): number => parts.reduce((sum, part) => sum + part.cpuRam + part.gpuVram, 0)
  const rough = total(insights.estimateModelResourceRequirements({ gpuLayers }), insights.estimateContextResourceRequirements(wish))
  if (!insights.isSupportedByLlamaCpp || rough > freeBytes * DRY_RUN_SHARE) return { neededBytes: rough, how: 'summed from the header' }
  const exact = total(await insights.estimateModelResourceRequirementsV2({ gpuLayers }), await insights.estimateContextResourceRequirementsV2(wish))
  return { neededBytes: exact, how: 'dry run of the engine' }
}
