/** A real engine on the bundled nano model, and jobs awaited as values. */
import { resolve } from 'node:path'

import type { ErrorValue } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import { inferenceRequest, type EngineUsage, type FinishReason, type InferenceRequest } from '#contract/inference.ts'
import type { EnginePort, EngineSettings, EngineState } from '#core/engine/engine.port.ts'
import { createEngine, type ForkedHost } from '#engine/client.ts'
import { forkEngineChild } from '#engine/fork-child.ts'
import { systemClock } from '#lib/clock.ts'
import { createLog } from '#lib/log.ts'

export const NANO = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
export const SHA = 'a'.repeat(64) as ModelSha256
export const ONE_SLOT: EngineSettings = { contextTokens: 192, slots: 1, threads: 1, gpuLayers: 0, prefixReuse: false }
export const FOUR_SLOTS: EngineSettings = { ...ONE_SLOT, slots: 4 }

export interface RealEngine {
  engine: EnginePort
  forks: ForkedHost[]
}

export function realEngine(): RealEngine {
  const forks: ForkedHost[] = []
  const engine = createEngine({
    clock: systemClock,
    log: createLog('test').child({}, { level: 'silent' }),
    fork: () => {
      const host = forkEngineChild()
      forks.push(host)
      return host
    },
  })
  return { engine, forks }
}

export const ask = (content: string, more: Partial<Record<keyof InferenceRequest, unknown>> = {}): InferenceRequest =>
  inferenceRequest.parse({ messages: [{ role: 'user', content }], maxTokens: 24, ...more })

export interface Outcome {
  text: string
  deltas: string[]
  finish: FinishReason | null
  usage: EngineUsage
  error: ErrorValue | null
  ttftMs: number
  durationMs: number
}

let serial = 0

export interface Submitted {
  id: string
  outcome: Promise<Outcome>
  firstDelta: Promise<void>
}

export function submit(engine: EnginePort, request: InferenceRequest): Submitted {
  const id = `job_${(serial += 1)}`
  const deltas: string[] = []
  const first = Promise.withResolvers<void>()
  const done = Promise.withResolvers<Outcome>()
  const end = (rest: Partial<Outcome>): void => {
    first.resolve()
    done.resolve({ text: deltas.join(''), deltas, finish: null, usage: { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 }, error: null, ttftMs: 0, durationMs: 0, ...rest })
  }
  engine.submit(id, request, {
    onDelta(text) {
      deltas.push(text)
      first.resolve()
    },
    onDone: end,
    onError: (error) => end({ error }),
  })
  return { id, outcome: done.promise, firstDelta: first.promise }
}

export const run = (engine: EnginePort, request: InferenceRequest): Promise<Outcome> => submit(engine, request).outcome

export function whenState(engine: EnginePort, kind: EngineState['kind']): Promise<EngineState> {
  return new Promise((resolve) => {
    const off = engine.onState((state) => {
      if (state.kind !== kind) return
      off()
      resolve(state)
    })
    if (engine.state().kind === kind) {
      off()
      resolve(engine.state())
    }
  })
}
