/**
 * Samples one job's tokens with llama.cpp's own samplers, in the order of llama-server: bias, penalties, top-k, top-p,
 * min-p, temperature, draw. A grammar is applied to the likeliest tokens first, and to the whole vocabulary only when it
 * rejects all of those: some hundred checks a token instead of 150,000.
 */
import { fail } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'

import { createGrammarTrigger } from '../grammar/grammar-trigger.ts'
import type { SampledToken, SamplerOptions, StepSampler, Vocabulary } from '../scheduler/step-model.ts'
import type { NativeLlama, Pointer } from './native-types.ts'

/** id, logit, p of llama_token_data. */
const CANDIDATE_BYTES = 12
/** data, size, selected, sorted of llama_token_data_array. */
const ARRAY_BYTES = 32

export interface NativeSampler extends StepSampler {
  /** The token after output `index` of the last decode; null when none is possible. */
  sample(context: Pointer, index: number): SampledToken | null
}

/** Number of the likeliest tokens that a grammar is applied to before it is applied to all. */
const LIKELY = 256

/** A buffer for candidates from the whole vocabulary, shared by all samplers of a model. */
export interface Candidates {
  /** The logits at `index`; null when there are none. Valid until the next call. */
  logits(context: Pointer, index: number): Float32Array | null
  /** True when the sampler accepts this token. */
  allows(sampler: Pointer, token: number): boolean
  /**
   * Applies the samplers in order to these tokens (to all without a list), with the logits read last. Returns the
   * selected token; null when none is possible.
   */
  select(samplers: readonly Pointer[], tokens?: readonly number[]): number | null
  dispose(): void
}

export function createCandidates(native: NativeLlama, size: number): Candidates {
  const logits = new Float32Array(size)
  const bytes = new ArrayBuffer(size * CANDIDATE_BYTES)
  const [ids, values] = [new Int32Array(bytes), new Float32Array(bytes)]
  const head = new ArrayBuffer(ARRAY_BYTES)
  const [words, flags] = [new BigInt64Array(head), new Uint8Array(head)]
  const data = native.allocate('uint64', Math.ceil((size * CANDIDATE_BYTES) / 8))
  const array = native.allocate('uint64', ARRAY_BYTES / 8)

  function put(count: number): void {
    native.copyIn(data, new Uint8Array(bytes, 0, count * CANDIDATE_BYTES), count * CANDIDATE_BYTES)
    words[0] = data
    words[1] = BigInt(count)
    words[2] = -1n
    flags[24] = 0
    native.copyIn(array, flags, ARRAY_BYTES)
  }
  const take = (): void => native.copyOut(flags, array, ARRAY_BYTES)

  return {
    logits(context, index) {
      const at = native.llama_get_logits_ith(context, index)
      if (at !== null) native.copyOut(logits, at, size * 4)
      return at === null ? null : logits
    },
    allows(sampler, token) {
      ids[0] = token
      values[1] = 0
      put(1)
      native.llama_sampler_apply(sampler, array)
      const one = new Float32Array(3)
      native.copyOut(one, data, CANDIDATE_BYTES)
      return one[1] !== Number.NEGATIVE_INFINITY
    },
    select(samplers, tokens) {
      const count = tokens?.length ?? size
      for (let at = 0; at < count; at += 1) {
        const token = tokens?.[at] ?? at
        ids[at * 3] = token
        values[at * 3 + 1] = logits[token] ?? 0
        values[at * 3 + 2] = 0
      }
      put(count)
      for (const sampler of samplers) native.llama_sampler_apply(sampler, array)
      take()
      const selected = Number(words[2])
      if (selected < 0 || selected >= Number(words[1])) return null
      const one = new Int32Array(3)
      native.copyOut(one, (words[0] ?? data) + BigInt(selected * CANDIDATE_BYTES), CANDIDATE_BYTES)
      return new Float32Array(one.buffer)[1] === Number.NEGATIVE_INFINITY ? null : (one[0] ?? null)
    },
    dispose() {
      native.release(data)
      native.release(array)
    },
  }
}

/** The `count` likeliest tokens, best first. One pass: nearly every token is below the floor. */
export function likeliest(logits: Float32Array, count: number): number[] {
  if (count === 0) return []
  const best: number[] = []
  let floor = Number.NEGATIVE_INFINITY
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? 0
    if (best.length === count && logit <= floor) continue
    let [low, high] = [0, best.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((logits[best[middle] ?? 0] ?? 0) >= logit) low = middle + 1
      else high = middle
    }
    best.splice(low, 0, token)
    if (best.length > count) best.pop()
    floor = logits[best.at(-1) ?? 0] ?? 0
  }
  return best
}

/** Log-probabilities of the sampled token and of the likeliest ones, under the model's own distribution. */
function withLogprobs(token: number, logits: Float32Array, count: number): SampledToken {
  let most = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > most) most = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - most)
  const total = most + Math.log(sum)
  const of = (id: number): number => (logits[id] ?? Number.NEGATIVE_INFINITY) - total
  return { token, logprob: of(token), top: likeliest(logits, count).map((id) => ({ token: id, logprob: of(id) })) }
}

function grammarOf(native: NativeLlama, vocab: Pointer, gbnf: string): Pointer {
  native.takeLog()
  const grammar = native.llama_sampler_init_grammar(vocab, gbnf, 'root')
  if (grammar === null)
    throw fail('grammar.unusable', {
      reason: native.takeLog().slice(0, 200) || because('grammar.engineRefused'),
    })
  return grammar
}

function biasesOf(options: SamplerOptions, masked: readonly number[]): [number, number][] {
  return [
    ...options.logitBias.map(([token, bias]): [number, number] => [token, bias]),
    ...(options.maskEnd ? masked.map((token): [number, number] => [token, Number.NEGATIVE_INFINITY]) : []),
  ]
}

/** Bias, penalties, truncation, temperature, draw. */
function chainOf(
  native: NativeLlama,
  { size }: Vocabulary,
  options: SamplerOptions,
  biases: readonly [number, number][],
): Pointer {
  const chain = native.llama_sampler_chain_init({ no_perf: true })
  const add = (sampler: Pointer): void => native.llama_sampler_chain_add(chain, sampler)
  if (biases.length > 0) {
    const packed = new ArrayBuffer(biases.length * 8)
    const [ids, values] = [new Int32Array(packed), new Float32Array(packed)]
    for (const [at, [token, bias]] of biases.entries()) {
      ids[at * 2] = token
      values[at * 2 + 1] = bias
    }
    add(native.llama_sampler_init_logit_bias(size, biases.length, new Uint8Array(packed)))
  }
  const penalised =
    options.penaltyTokens > 0 &&
    (options.repeatPenalty !== 1 || options.frequencyPenalty !== 0 || options.presencePenalty !== 0)
  if (penalised)
    add(
      native.llama_sampler_init_penalties(
        size,
        options.penaltyTokens,
        options.repeatPenalty,
        options.frequencyPenalty,
        options.presencePenalty,
      ),
    )
  if (options.temperature === 0) add(native.llama_sampler_init_greedy())
  else {
    add(native.llama_sampler_init_top_k(options.topK))
    if (options.topP < 1) add(native.llama_sampler_init_top_p(options.topP, 1))
    if (options.minP > 0) add(native.llama_sampler_init_min_p(options.minP, 1))
    add(native.llama_sampler_init_temp(options.temperature))
    add(native.llama_sampler_init_dist(options.seed))
  }
  return chain
}

/** Errors: GRAMMAR_INVALID. `masked`: tokens that are never sampled when the end is masked. */
export function createNativeSampler(
  native: NativeLlama,
  model: { vocab: Pointer; vocabulary: Vocabulary; masked: readonly number[]; candidates: Candidates },
  options: SamplerOptions,
): NativeSampler {
  const { vocab, vocabulary, candidates } = model
  const grammar = options.grammar === null ? null : grammarOf(native, vocab, options.grammar.gbnf)
  const triggers = options.grammar?.triggers ?? []
  const textOf = (token: number): string =>
    Buffer.from(
      vocabulary.isControl(token) ? (native.llama_vocab_get_text(vocab, token) ?? '') : vocabulary.bytesOf(token),
    ).toString('latin1')
  const trigger = triggers.length === 0 ? null : createGrammarTrigger(triggers, textOf)
  /** The grammar applies: from the start, or from its marker on. */
  let applies = trigger === null
  const chain = chainOf(native, vocabulary, options, biasesOf(options, model.masked))

  /** Tokens that a bias may raise above the likeliest. */
  const lifted = options.logitBias.filter(([, bias]) => bias > 0).map(([token]) => token)
  function constrained(context: Pointer, index: number): number | null {
    const logits = candidates.logits(context, index)
    if (logits === null || grammar === null) return null
    const likely = likeliest(logits, LIKELY)
    const token =
      candidates.select([grammar, chain], [...new Set([...likely, ...lifted])]) ?? candidates.select([grammar, chain])
    if (token === null) return null
    native.llama_sampler_accept(grammar, token)
    native.llama_sampler_accept(chain, token)
    return token
  }

  /**
   * Samples without the grammar, and looks for its marker. Text after the marker in the same token may not fit the
   * grammar: then it is never applied, since llama.cpp would end the process.
   */
  function watched(context: Pointer, index: number): number {
    const token = native.llama_sampler_sample(chain, context, index)
    if (trigger === null || grammar === null || trigger.found || token < 0) return token
    const shown = trigger.push(token)
    applies = trigger.found
    for (const one of shown) {
      applies &&= candidates.allows(grammar, one)
      if (applies) native.llama_sampler_accept(grammar, one)
    }
    return token
  }

  let disposed = false
  return {
    sample(context, index) {
      const token = grammar !== null && applies ? constrained(context, index) : watched(context, index)
      if (token === null || token < 0) return null
      if (options.logprobs === null) return { token }
      const logits = candidates.logits(context, index)
      return logits === null ? { token } : withLogprobs(token, logits, options.logprobs)
    },
    dispose() {
      if (disposed) return
      disposed = true
      native.llama_sampler_free(chain)
      if (grammar !== null) native.llama_sampler_free(grammar)
    },
  }
}
