/** What a model with these settings would need, by the library's dry run; nothing is loaded. */
import { freemem, totalmem } from 'node:os'

import { GgufInsights, readGgufFileInfo } from 'node-llama-cpp'

import type { EngineSettings } from '#core/engine/engine.port.ts'

import { STEP_PROMPT_TOKENS } from '../protocol.ts'
import { llamaInstance } from './llama.ts'

export interface MemoryEstimate { neededBytes: number; freeBytes: number; totalBytes: number; supported: boolean; method: string }

/** Main memory and video memory are added: a rough answer to "does it fit" before the load gives the exact one. */
export async function estimateMemory(path: string, settings: Pick<EngineSettings, 'contextTokens' | 'slots' | 'gpuLayers'>): Promise<MemoryEstimate> {
  const gpu = settings.gpuLayers > 0
  const llama = await llamaInstance(gpu)
  const insights = await GgufInsights.from(await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false }), llama)
  const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers: settings.gpuLayers })
  const context = await insights.estimateContextResourceRequirementsV2({ contextSize: settings.contextTokens, sequences: settings.slots, modelGpuLayers: settings.gpuLayers, batchSize: STEP_PROMPT_TOKENS + settings.slots })
  const video = gpu ? await llama.getVramState() : { free: 0, total: 0 }
  return {
    neededBytes: model.cpuRam + model.gpuVram + context.cpuRam + context.gpuVram,
    freeBytes: Math.min(freemem(), process.availableMemory()) + video.free,
    totalBytes: totalmem() + video.total,
    supported: insights.isSupportedByLlamaCpp,
    method: `${llama.gpu === false ? 'CPU' : String(llama.gpu)}, ${settings.slots} × ${settings.contextTokens} tokens, estimated from the header`,
  }
}
