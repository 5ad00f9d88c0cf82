/**
 * Which GPU the suite runs on. Software by default: Mesa's Vulkan device on the processor, which llama.cpp leaves out
 * unless `GGML_VK_VISIBLE_DEVICES` names it. With `STOKER_GPU_SUITE=card` (`npm run check:gpu`) what the engine sees by
 * itself. Importing this file sets the environment that engine hosts inherit from this process.
 */
import type { EngineGpu, EngineSettings } from '#core/engine/engine.port.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { createEngines } from '#engine/engines.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'

import { FOUR_SLOTS, realEngine } from '../engine/engine-support.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What a test saw, for the suite's table. */
    seen?: string
  }
}

/** What Mesa's software device says it has. */
export const SOFTWARE_BYTES = 2 ** 31
export const isCard = process.env['STOKER_GPU_SUITE'] === 'card'
if (!isCard) {
  process.env['GGML_VK_VISIBLE_DEVICES'] = '0'
  // Mesa 22.3's software device ends the process in one of llama.cpp's fused programs when the number of streams grows.
  process.env['GGML_VK_DISABLE_FUSION'] = '1'
}

/** Tokens of an answer that is still going on when it is cancelled or its process killed: a card is quick. */
export const LONG = isCard ? 150 : 48
/** All layers, few tokens: what is warmed up follows the context. */
export const ON_GPU: EngineSettings = {
  ...FOUR_SLOTS,
  contextTokens: isCard ? 192 : 96,
  slots: 2,
  gpuLayers: 1_000,
  flashAttention: 'on',
  prefixReuse: false,
  savedPrefixBytes: 0,
}

async function look(): Promise<EngineGpu[]> {
  const { engine } = realEngine()
  try {
    return await engine.gpus()
  } finally {
    await engine.stop()
  }
}

/** Empty where there is none: the suite is then skipped. */
export const gpus = await look()
export const noGpu = gpus.length === 0
/** Two devices can be had: the software one named twice, or two cards. */
export const noTwo = noGpu || (isCard && gpus.length < 2)
/** Its visible devices named so that there are two; undefined where there are two already. */
export const TWO = isCard ? undefined : '0,0'

export interface MadeEngines {
  engines: EnginesPort
  /** Process ids of every host that was started, in order. */
  pids: (number | null)[]
}

export function makeEngines(): MadeEngines {
  const pids: (number | null)[] = []
  const engines = createEngines({
    clock: systemClock,
    log: createLog('test').child({}, { level: 'silent' }),
    fork: ({ gpu }) => {
      const host = forkEngineChild({ gpu })
      pids.push(host.pid)
      return host
    },
  })
  return { engines, pids }
}
