/**
 * The step loop on node-llama-cpp's public API (`sequence.evaluate`): the fallback where its libraries differ from what
 * the native loop expects. Each slot is one sequence; a running job is one generator, advanced by one token a step. It
 * cannot copy or save sequences, report log-probabilities or bias end-of-generation tokens (a request that masks the end
 * may still sample them; they have no text), and ignores grammars that begin in the middle of an answer.
 */
import {
  LlamaGrammarEvaluationState,
  TokenBias,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp'

import { fail } from '#contract/errors.ts'

import { poolsTokens } from './llama-estimate.ts'
import { createPublicVocabulary } from './llama-vocabulary.ts'
import type { SampledToken, SamplerOptions, StepItem, StepLoop, StepSampler } from '../scheduler/step-model.ts'

export { createPublicVocabulary } from './llama-vocabulary.ts'

type Generator = AsyncGenerator<Token, void | Token>
interface SamplerState {
  options: SamplerOptions
  grammar: LlamaGrammarEvaluationState | null
  bias: TokenBias | null
  /** The last output tokens, for the penalties. */
  last: number[]
}

/** Control and end tokens: a request that masks the end never samples them, as far as the library can prevent it. */
function maskedTokens(model: LlamaModel): number[] {
  const vocabulary = createPublicVocabulary(model)
  return Array.from({ length: vocabulary.size }, (_, token) => token).filter(
    (token) => vocabulary.isEnd(token) || vocabulary.isControl(token),
  )
}

function biasOf(
  model: LlamaModel,
  masked: readonly number[],
  { logitBias, maskEnd }: SamplerOptions,
): TokenBias | null {
  if (logitBias.length === 0 && !maskEnd) return null
  const bias = new TokenBias(model.tokenizer)
  for (const token of maskEnd ? masked : []) bias.set(token as Token, 'never')
  for (const [token, value] of logitBias)
    bias.set(token as Token, value === Number.NEGATIVE_INFINITY ? 'never' : { logit: value })
  return bias
}

async function grammarOf(
  llama: Llama,
  model: LlamaModel,
  { grammar }: SamplerOptions,
): Promise<LlamaGrammarEvaluationState | null> {
  if (grammar === null || grammar.triggers.length > 0) return null
  try {
    return new LlamaGrammarEvaluationState({ model, grammar: await llama.createGrammar({ grammar: grammar.gbnf }) })
  } catch (error) {
    throw fail('grammar.unusable', { reason: (error as Error).message.slice(0, 200) })
  }
}

function evaluate(sequence: LlamaContextSequence, tokens: readonly number[], state: SamplerState): Generator {
  const { options, grammar, bias } = state
  const { temperature, topK, topP, minP, seed, repeatPenalty, frequencyPenalty, presencePenalty, penaltyTokens } =
    options
  const penalised = penaltyTokens > 0 && (repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0)
  const punish = {
    punishTokens: () => state.last.slice(-penaltyTokens) as Token[],
    maxPunishTokens: penaltyTokens,
    penalty: repeatPenalty,
    frequencyPenalty,
    presencePenalty,
  }
  return sequence.evaluate(tokens as Token[], {
    temperature,
    topK,
    topP,
    minP,
    seed,
    yieldEogToken: true,
    ...(penalised ? { repeatPenalty: punish } : {}),
    ...(bias === null ? {} : { tokenBias: bias }),
    ...(grammar === null ? {} : { grammarEvaluationState: grammar }),
  })
}

/** One vector of length 1; its context is created at the first call. */
function createEmbed(model: LlamaModel): StepLoop['embed'] {
  let context: Promise<LlamaEmbeddingContext> | null = null
  return async (tokens) => {
    if (!poolsTokens(model.fileInfo.metadata)) throw fail('embed.noPooling')
    try {
      context ??= model.createEmbeddingContext({ contextSize: Math.min(model.trainContextSize, 2_048) })
      const { vector } = await (await context).getEmbeddingFor(tokens as Token[])
      const length = Math.hypot(...vector) || 1
      return vector.map((value) => value / length)
    } catch (error) {
      const reason = (error as Error).message.slice(0, 200)
      if (/context size|too long/i.test(reason)) throw fail('embed.textTooLongHere', { tokens: tokens.length })
      context = null
      throw fail('embed.noneHere', { reason })
    }
  }
}

export function createPublicLoop(llama: Llama, model: LlamaModel, context: LlamaContext, slots: number): StepLoop {
  const sequences: LlamaContextSequence[] = Array.from({ length: slots }, () => context.getSequence())
  const generators = new Map<number, { generator: Generator; sampler: StepSampler }>()
  const states = new WeakMap<StepSampler, SamplerState>()
  const masked = maskedTokens(model)

  async function end(slot: number): Promise<void> {
    await generators.get(slot)?.generator.return(undefined)
    generators.delete(slot)
  }

  async function one({ slot, tokens, sampler }: StepItem): Promise<SampledToken | null> {
    const sequence = sequences[slot]
    if (sequence === undefined) return null
    if (sampler === null) {
      await sequence.evaluateWithoutGeneratingNewTokens(tokens as Token[])
      return null
    }
    const state = states.get(sampler)
    let current = generators.get(slot)
    if (current?.sampler !== sampler) {
      await end(slot)
      if (state === undefined) return null
      current = { generator: evaluate(sequence, tokens, state), sampler }
      generators.set(slot, current)
    }
    const { value } = await current.generator.next()
    if (typeof value !== 'number') return null
    if (state !== undefined) state.last = [...state.last, value].slice(-Math.max(1, state.options.penaltyTokens))
    return { token: value }
  }

  return {
    kind: 'public',
    step: (items) => Promise.all(items.map(one)),
    async keep(slot, count) {
      await end(slot)
      const sequence = sequences[slot]
      if (sequence === undefined) return 0
      if (sequence.nextTokenIndex > count)
        await sequence.eraseContextTokenRanges([{ start: count, end: sequence.nextTokenIndex }])
      return Math.min(count, sequence.nextTokenIndex)
    },
    copy: async () => 0,
    save: async () => null,
    restore: async () => false,
    async sampler(options) {
      if (options.logprobs !== null) throw fail('sampling.noLogprobs')
      const state: SamplerState = {
        options,
        grammar: await grammarOf(llama, model, options),
        bias: biasOf(model, masked, options),
        last: [],
      }
      const sampler: StepSampler = { dispose: () => undefined }
      states.set(sampler, state)
      return sampler
    },
    // The library chooses its threads for each decode; the limit of the load stays.
    setThreads: () => undefined,
    embed: createEmbed(model),
  }
}
