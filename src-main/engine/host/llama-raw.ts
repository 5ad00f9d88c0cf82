/**
 * The raw step loop: one decode for all items on the library's inner context, twice as fast as its generators on small models.
 * It leans on internals of node-llama-cpp 3.22.1; `rawShape` looks at them first, and without them the public loop serves.
 */
import type { LlamaContext, LlamaGrammarEvaluationState, LlamaModel } from 'node-llama-cpp'

import type { SamplerOptions, StepItem, StepLoop, StepSampler } from './step-model.ts'

interface RawSampler {
  applyConfig(config: Record<string, unknown>): void
  dispose(): void
}

/** What is used of the inner context. */
interface RawContext {
  initBatch(tokens: number): void
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsAt: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  sampleToken(logits: number, sampler: RawSampler): Promise<number>
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean
  disposeSequence(sequence: number): void
  setThreads(threads: number): void
}

export interface RawShape {
  context: RawContext
  createSampler: () => RawSampler
}

const METHODS = ['initBatch', 'addToBatch', 'decodeBatch', 'sampleToken', 'removeTokenCellsFromSequence', 'disposeSequence', 'setThreads'] as const

/** Null when the library does not look as expected. */
export function rawShape(model: LlamaModel, context: LlamaContext): RawShape | null {
  const inner = (context as unknown as { _ctx?: RawContext })._ctx
  const innerModel = (model as unknown as { _model?: object })._model
  const Sampler = (model.llama as unknown as { _bindings?: { AddonSampler?: new (model: object) => RawSampler } })._bindings?.AddonSampler
  if (inner === undefined || innerModel === undefined || typeof Sampler !== 'function') return null
  if (METHODS.some((name) => typeof inner[name] !== 'function')) return null
  return { context: inner, createSampler: () => new Sampler(innerModel) }
}

/** The sampler's settings; the library's own names. Top-k is always capped: an uncapped one costs up to 100 ms a token. */
const samplerConfig = (options: SamplerOptions, masked: readonly number[], grammar: LlamaGrammarEvaluationState | null): Record<string, unknown> => ({
  temperature: options.temperature,
  topK: options.topK,
  topP: options.topP,
  minP: options.minP,
  seed: options.seed,
  ...(options.maskEnd ? { tokenBiasKeys: Uint32Array.from(masked), tokenBiasValues: new Float32Array(masked.length).fill(Number.NEGATIVE_INFINITY) } : {}),
  ...(grammar === null ? {} : { grammarEvaluationState: (grammar as unknown as { _state: unknown })._state }),
})

export interface RawOptions {
  threads: number
  slots: number
  /** Tokens that are never chosen when the end is masked. */
  masked: readonly number[]
  grammarOf: (schema: Record<string, unknown>) => Promise<LlamaGrammarEvaluationState>
}

export function createRawLoop({ context, createSampler }: RawShape, { threads, slots, masked, grammarOf }: RawOptions): StepLoop {
  const samplers = new WeakMap<StepSampler, RawSampler>()
  context.setThreads(threads)
  // Whatever creation left in the sequences goes, so that position 0 is free.
  for (let slot = 0; slot < slots; slot += 1) context.disposeSequence(slot)

  return {
    kind: 'raw',
    async step(items: readonly StepItem[]) {
      context.initBatch(items.reduce((sum, item) => sum + item.tokens.length, 0))
      const logits = items.map((item) => {
        const at = item.sampler === null ? [] : [item.tokens.length - 1]
        return context.addToBatch(item.slot, item.position, Uint32Array.from(item.tokens), Uint32Array.from(at))[0] ?? null
      })
      await context.decodeBatch()
      return Promise.all(
        items.map(async (item, index) => {
          const sampler = item.sampler === null ? undefined : samplers.get(item.sampler)
          const at = logits[index] ?? null
          if (sampler === undefined || at === null) return null
          const token = await context.sampleToken(at, sampler)
          return token < 0 ? null : token
        }),
      )
    },
    async keep(slot, count) {
      if (count > 0 && context.removeTokenCellsFromSequence(slot, count, -1)) return count
      context.disposeSequence(slot)
      return 0
    },
    async sampler(options) {
      const grammar = options.schema === null ? null : await grammarOf(options.schema)
      const inner = createSampler()
      inner.applyConfig(samplerConfig(options, masked, grammar))
      const sampler: StepSampler = { dispose: () => inner.dispose() }
      samplers.set(sampler, inner)
      return sampler
    },
  }
}
