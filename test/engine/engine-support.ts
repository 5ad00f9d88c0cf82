/** A real engine on the bundled nano model, and jobs awaited as values. */
import { resolve } from 'node:path'

import type { ErrorValue } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import {
  engineRequest,
  type EngineRequest,
  type EngineUsage,
  type FinishReason,
  type TokenLogprob,
  type ToolCall,
} from '#contract/inference.ts'
import type { EngineEvents, EnginePort, EngineSettings, EngineState, SubmitOptions } from '#core/engine/engine.port.ts'
import { createLocalMember, type ForkedHost, type LocalMember } from '#engine/client/engine-client.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'

export const NANO = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
export const SHA = 'a'.repeat(64) as ModelSha256
export const ONE_SLOT: EngineSettings = { contextTokens: 192, slots: 1, threads: 1, gpuLayers: 0, prefixReuse: false }
export const FOUR_SLOTS: EngineSettings = { ...ONE_SLOT, slots: 4 }

export interface RealEngine {
  engine: LocalMember
  forks: ForkedHost[]
}

export function realEngine(fork: () => ForkedHost = forkEngineChild): RealEngine {
  const forks: ForkedHost[] = []
  const engine = createLocalMember({
    clock: systemClock,
    log: createLog('test').child({}, { level: 'silent' }),
    fork: () => {
      const host = fork()
      forks.push(host)
      return host
    },
  })
  return { engine, forks }
}

export const ask = (content: string, more: Partial<Record<keyof EngineRequest, unknown>> = {}): EngineRequest =>
  engineRequest.parse({ messages: [{ role: 'user', content }], maxTokens: 24, cacheScope: 'test', ...more })

export interface Outcome {
  text: string
  deltas: string[]
  logprobs: TokenLogprob[]
  toolCalls?: ToolCall[]
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
  /** Told of every piece of text from now on. */
  deltas(listener: () => void): void
}

export function submit(engine: EnginePort, request: EngineRequest, options: SubmitOptions = {}): Submitted {
  const id = `job_${(serial += 1)}`
  const deltas: string[] = []
  const shown: TokenLogprob[] = []
  const listeners = new Set<() => void>()
  const first = Promise.withResolvers<void>()
  const done = Promise.withResolvers<Outcome>()
  const end = (rest: Partial<Outcome>): void => {
    first.resolve()
    done.resolve({
      text: deltas.join(''),
      deltas,
      logprobs: shown,
      finish: null,
      usage: { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 },
      error: null,
      ttftMs: 0,
      durationMs: 0,
      ...rest,
    })
  }
  const events: EngineEvents = {
    onDelta(text, logprobs) {
      deltas.push(text)
      for (const listener of listeners) listener()
      if (logprobs !== undefined) shown.push(...logprobs)
      first.resolve()
    },
    onDone: end,
    onError: (error) => end({ error }),
  }
  engine.submit(id, request, events, options)
  return { id, outcome: done.promise, firstDelta: first.promise, deltas: (listener) => void listeners.add(listener) }
}

export const run = (engine: EnginePort, request: EngineRequest, options: SubmitOptions = {}): Promise<Outcome> =>
  submit(engine, request, options).outcome

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
