/**
 * One loaded model with the sequences of one context, as the scheduler sees it: a batch in, sampled tokens out. It has
 * two implementations: the native loop (native-loop.ts, llama.cpp's own C functions) and, where the library differs
 * from what that expects, node-llama-cpp's public API (llama-public.ts).
 */
import type { LoadedModel } from '#core/engine/engine.port.ts'

/** A grammar in llama.cpp's GBNF, with `root` as its start. */
export interface GrammarOptions {
  gbnf: string
  /** It applies from the first of these texts on (a tool call's opening marker); from the first token when empty. */
  triggers: readonly string[]
}

/** Everything that decides how one job's tokens are sampled. */
export interface SamplerOptions {
  /** 0 is greedy. */
  temperature: number
  topP: number
  /** 0 asks for the engine's cap. */
  topK: number
  minP: number
  seed: number
  /** 1 is off; as llama.cpp's penalties sampler. */
  repeatPenalty: number
  frequencyPenalty: number
  presencePenalty: number
  /** Number of last tokens that the penalties look at. */
  penaltyTokens: number
  /** Pairs of token and bias; -Infinity bans the token. */
  logitBias: readonly (readonly [token: number, bias: number])[]
  /** End-of-generation tokens are never sampled. */
  maskEnd: boolean
  grammar: GrammarOptions | null
  /** Alternatives to report with each sampled token; null for no log-probabilities at all. */
  logprobs: number | null
}

export interface StepSampler {
  dispose(): void
}

/** `tokens` go into the slot's KV cache at `position`, the number of tokens it holds already. */
export interface StepItem {
  slot: number
  position: number
  tokens: readonly number[]
  /** If set, the token after the last one is sampled. */
  sampler: StepSampler | null
}

/** Log-probabilities are natural, under the model's own distribution (before temperature and truncation). */
export interface SampledToken {
  token: number
  logprob?: number
  top?: { token: number; logprob: number }[]
}

/** The KV cache of one sequence, copied out of the context. */
export interface SavedState {
  readonly bytes: number
  /** Frees the memory. */
  dispose(): void
}

/** What both loops implement. Items of one step have different slots; never two calls at once. */
export interface StepLoop {
  /**
   * One llama_decode of all items, in ascending slots. Returns the sampled token of each; null where none was asked for
   * or none is possible (a finished grammar).
   */
  step(items: readonly StepItem[]): Promise<(SampledToken | null)[]>
  /**
   * Removes the slot's KV cache from token `count` on; returns how many tokens are left (0 where the model cannot remove
   * a part, as recurrent models).
   */
  keep(slot: number, count: number): Promise<number>
  /**
   * Replaces the KV cache of `to` by the first `count` tokens of that of `from`; returns how many it then holds (0 where
   * the loop cannot).
   */
  copy(from: number, to: number, count: number): Promise<number>
  /** A copy of the slot's KV cache; null where the loop cannot. */
  save(slot: number): Promise<SavedState | null>
  /** Replaces the slot's KV cache by the saved one; false when that failed, and the slot is then empty. */
  restore(slot: number, saved: SavedState): Promise<boolean>
  /** Errors: GRAMMAR_INVALID, SAMPLING_INVALID. */
  sampler(options: SamplerOptions): Promise<StepSampler>
  /** Threads from the next step on; at least 1, at most what the model was loaded with. */
  setThreads(threads: number): void
  /** One vector of length 1. Errors: MODEL_UNSUPPORTED, CONTEXT_TOO_LONG. */
  embed(tokens: readonly number[]): Promise<number[]>
  readonly kind: 'native' | 'public'
}

/** The model's vocabulary; pure. */
export interface Vocabulary {
  /**
   * Plain text: nothing in it becomes a control token. `begins`: it starts the prompt (some tokenizers then put a space
   * before it); by default it continues other text.
   */
  tokenize(text: string, options?: { begins?: boolean }): number[]
  /** Template text: the names of control tokens in it become control tokens. */
  tokenizeSpecial(text: string, options?: { begins?: boolean }): number[]
  /** The token put before every prompt; null when the model wants none. */
  readonly begin: number | null
  /** The token put after a text to embed; null when the model wants none. */
  readonly end: number | null
  readonly beginText: string
  readonly endText: string
  /** The model's own chat template (jinja); null when it has none. */
  readonly chatTemplate: string | null
  readonly size: number
  /** Raw bytes of one token's text; empty for control tokens. */
  bytesOf(token: number): Uint8Array
  /** An end-of-generation token. */
  isEnd(token: number): boolean
  isControl(token: number): boolean
}

export interface StepModel extends StepLoop {
  readonly model: LoadedModel
  readonly vocabulary: Vocabulary
  readonly prefixReuse: boolean
  /** Bound on the bytes of saved prefixes. */
  readonly savedPrefixBytes: number
  /** Most prompt tokens of one step. */
  readonly batchTokens: number
  readonly threadsMax: number
  /** Layers lie on a GPU. */
  readonly onGpu?: boolean
  /** Frees context and model memory. Not while a step runs. */
  dispose(): Promise<void>
}
