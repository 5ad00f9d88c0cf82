/**
 * One loaded model with the sequences of one context, as the scheduler sees it: a step in, chosen tokens out. Two loops
 * stand behind it: the native one (native-loop.ts, llama.cpp's own C functions) and, where the library's shape has
 * changed, node-llama-cpp's public API (llama-public.ts).
 */
import type { LoadedModel } from '#core/engine/engine.port.ts'

/** A grammar in llama.cpp's GBNF, with `root` as its start. */
export interface GrammarOptions {
  gbnf: string
  /** Only from the first of these texts on (a tool call's opening marker); from the first token when empty. */
  triggers: readonly string[]
}

/** Everything that decides how one job's tokens are chosen. */
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
  /** Last tokens looked at. */
  penaltyTokens: number
  /** Pairs of token and bias; -Infinity is never. */
  logitBias: readonly (readonly [token: number, bias: number])[]
  /** End-of-generation tokens are never chosen. */
  maskEnd: boolean
  grammar: GrammarOptions | null
  /** Alternatives to report with each chosen token; null for no log-probabilities at all. */
  logprobs: number | null
}

export interface StepSampler {
  dispose(): void
}

/** `tokens` go into `slot` from `position` on, which is the number of tokens the slot holds already. */
export interface StepItem {
  slot: number
  position: number
  tokens: readonly number[]
  /** With one, the token after the last is chosen. */
  sampler: StepSampler | null
}

/** A chosen token; natural logarithms under the model's own distribution (before temperature and cuts). */
export interface Choice {
  token: number
  logprob?: number
  top?: { token: number; logprob: number }[]
}

/** What a slot held, kept outside the context. */
export interface SavedState {
  readonly bytes: number
  /** Frees the memory. */
  dispose(): void
}

/** The part the two loops implement. Items of one step have different slots; never two calls at once. */
export interface StepLoop {
  /**
   * One decode of all items, in ascending slots. What was chosen for each; null where nothing was asked for or nothing
   * is possible (a finished grammar).
   */
  step(items: readonly StepItem[]): Promise<(Choice | null)[]>
  /**
   * Forgets what the slot holds from `count` on; returns how many tokens are really left (0 where the model cannot
   * forget a part).
   */
  keep(slot: number, count: number): Promise<number>
  /**
   * Makes `to` hold the first `count` tokens of what `from` holds, instead of what it held; returns how many it holds
   * then (0 where the loop cannot).
   */
  copy(from: number, to: number, count: number): Promise<number>
  /** A copy of all the slot holds; null where the loop cannot. */
  save(slot: number): Promise<SavedState | null>
  /** The slot holds the saved state instead of what it held; false when that failed, and the slot is then empty. */
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
   * Plain text: nothing in it acts as a control token. `begins`: it is the first of its prompt (some tokenizers then
   * put a space before it); by default it goes on after other text.
   */
  tokenize(text: string, options?: { begins?: boolean }): number[]
  /** Template text: the names of control tokens in it are control tokens. */
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
  /** Bytes of saved states that may be kept. */
  readonly parkedBytes: number
  /** Prompt tokens of one step while nothing else runs. */
  readonly batchTokens: number
  readonly threadsMax: number
  /** Frees context and model memory. Not while a step runs. */
  dispose(): Promise<void>
}
