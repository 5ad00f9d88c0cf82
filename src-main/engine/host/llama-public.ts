/**
 * The same step loop on the library's public API (`sequence.evaluate`): the fallback when its internals have changed. Each slot is one
 * sequence; a running job is one generator, advanced by one token a step. Weaker in one point: its token bias spares end-of-generation
 * tokens, so a run with a masked end may choose them (they have no text) and goes on.
 */
import { TokenBias, type LlamaContext, type LlamaContextSequence, type LlamaGrammarEvaluationState, type LlamaModel, type Token } from 'node-llama-cpp'

import type { SamplerOptions, StepItem, StepLoop, StepSampler } from './step-model.ts'

type Generator = AsyncGenerator<Token, void | Token>
interface Choice {
  options: SamplerOptions
  grammar: LlamaGrammarEvaluationState | null
}

export interface PublicOptions {
  slots: number
  masked: readonly number[]
  grammarOf: (schema: Record<string, unknown>) => Promise<LlamaGrammarEvaluationState>
}

export function createPublicLoop(model: LlamaModel, context: LlamaContext, { slots, masked, grammarOf }: PublicOptions): StepLoop {
  const sequences: LlamaContextSequence[] = Array.from({ length: slots }, () => context.getSequence())
  const generators = new Map<number, { generator: Generator; sampler: StepSampler }>()
  const choices = new WeakMap<StepSampler, Choice>()
  const bias = new TokenBias(model.tokenizer)
  for (const token of masked) bias.set(token as Token, 'never')

  async function end(slot: number): Promise<void> {
    await generators.get(slot)?.generator.return(undefined)
    generators.delete(slot)
  }

  function start(sequence: LlamaContextSequence, tokens: readonly number[], { options, grammar }: Choice): Generator {
    const { temperature, topK, topP, minP, seed, maskEnd } = options
    return sequence.evaluate(tokens as Token[], {
      temperature,
      topK,
      topP,
      minP,
      seed,
      yieldEogToken: true,
      ...(maskEnd ? { tokenBias: bias } : {}),
      ...(grammar === null ? {} : { grammarEvaluationState: grammar }),
    })
  }

  async function one({ slot, tokens, sampler }: StepItem): Promise<number | null> {
    const sequence = sequences[slot]
    if (sequence === undefined) return null
    if (sampler === null) {
      await sequence.evaluateWithoutGeneratingNewTokens(tokens as Token[])
      return null
    }
    let current = generators.get(slot)
    if (current?.sampler !== sampler) {
      await end(slot)
      const choice = choices.get(sampler)
      if (choice === undefined) return null
      current = { generator: start(sequence, tokens, choice), sampler }
      generators.set(slot, current)
    }
    const { value } = await current.generator.next()
    return typeof value === 'number' ? value : null
  }

  return {
    kind: 'public',
    step: (items) => Promise.all(items.map(one)),
    async keep(slot, count) {
      await end(slot)
      const sequence = sequences[slot]
      if (sequence === undefined) return 0
      if (sequence.nextTokenIndex > count) await sequence.eraseContextTokenRanges([{ start: count, end: sequence.nextTokenIndex }])
      return Math.min(count, sequence.nextTokenIndex)
    },
    async sampler(options) {
      const grammar = options.schema === null ? null : await grammarOf(options.schema)
      const sampler: StepSampler = { dispose: () => undefined }
      choices.set(sampler, { options, grammar })
      return sampler
    },
  }
}
