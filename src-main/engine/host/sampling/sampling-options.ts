/**
 * A request's sampling settings for the step loop. The contract's schema has bounded the values; what depends on the
 * model is checked here.
 */
import { fail } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'

import { jsonGrammar, schemaGrammar } from '../grammar/grammar.ts'
import type { GrammarOptions, SamplerOptions, Vocabulary } from '../scheduler/step-model.ts'

/**
 * Without a cap, sampling from a vocabulary of 152,000 tokens costs up to 100 ms a token; tokens beyond the 1,000
 * likeliest are never sampled in practice.
 */
const TOP_K_MAX = 1_000
/** llama.cpp's own default for the penalties' window. */
const PENALTY_TOKENS = 64
/** OpenAI's lowest bias: such a token is banned. */
const NEVER = -100

function biases(logitBias: Record<string, number>, vocabulary: Vocabulary): [number, number][] {
  return Object.entries(logitBias).map(([key, bias]) => {
    const token = Number(key)
    if (!(token < vocabulary.size))
      throw fail('sampling.biasToken', { token: key.slice(0, 12), last: vocabulary.size - 1 })
    return [token, bias <= NEVER ? Number.NEGATIVE_INFINITY : bias]
  })
}

/** NaN and infinities pass comparisons unnoticed, so callers that bypass the schema are checked too. */
function checkFinite(values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw fail('sampling.notFinite', { name, value })
  }
}

function grammarOf(
  { jsonSchema, jsonObject, toolChoice }: EngineRequest,
  toolGrammar: GrammarOptions | null,
): GrammarOptions | null {
  const wanted = jsonSchema !== undefined ? schemaGrammar(jsonSchema) : jsonObject === true ? jsonGrammar() : null
  if (wanted === null) return toolGrammar
  if (toolGrammar !== null && toolGrammar.triggers.length === 0)
    throw fail('request.toolAndJson', { choice: typeof toolChoice === 'object' ? 'one' : 'required' })
  return { gbnf: wanted, triggers: [] }
}

export interface SamplingContext {
  vocabulary: Vocabulary
  toolGrammar: GrammarOptions | null
  randomSeed: () => number
}

/** Errors: SAMPLING_INVALID, GRAMMAR_INVALID, BAD_REQUEST. With a JSON answer the model cannot call tools. */
export function samplerOptions(
  request: EngineRequest,
  { vocabulary, toolGrammar, randomSeed }: SamplingContext,
): SamplerOptions {
  const { sampling } = request
  checkFinite({ ...sampling, ...sampling.logitBias })
  const grammar = grammarOf(request, toolGrammar)
  return {
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK === 0 ? TOP_K_MAX : Math.min(sampling.topK, TOP_K_MAX),
    minP: sampling.minP,
    seed: sampling.seed ?? randomSeed(),
    repeatPenalty: sampling.repeatPenalty ?? 1,
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    presencePenalty: sampling.presencePenalty ?? 0,
    penaltyTokens: sampling.penaltyTokens ?? PENALTY_TOKENS,
    logitBias: biases(sampling.logitBias ?? {}, vocabulary),
    // A finished grammar allows the end token only.
    maskEnd: request.ignoreEos && grammar === null,
    grammar,
    logprobs: request.logprobs ?? null,
  }
}
