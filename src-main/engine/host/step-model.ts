/**
 * One loaded model with the sequences of one context, as the scheduler sees it: a step in, sampled tokens out. Two loops stand behind it:
 * the raw one (llama-raw.ts) and, where the library's shape has changed, its public API (llama-public.ts).
 */
import type { ChatMessage } from '#contract/inference.ts'
import type { LoadedModel } from '#core/engine/engine.port.ts'

/** Everything decides how one job's tokens are chosen; `end` says what happens at end-of-generation tokens. */
export interface SamplerOptions {
  temperature: number
  topP: number
  topK: number
  minP: number
  seed: number
  /** End-of-generation tokens are never chosen. */
  maskEnd: boolean
  schema: Record<string, unknown> | null
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

/** The part the two loops implement. Items of one step have different slots; never two steps at once. */
export interface StepLoop {
  /** One decode of all items, in ascending slots. The chosen token of each, null where none was asked for or none is possible. */
  step(items: readonly StepItem[]): Promise<(number | null)[]>
  /** Forgets what the slot holds from `count` on; returns how many tokens are really left (0 where the model cannot forget a part). */
  keep(slot: number, count: number): Promise<number>
  /** Errors: GRAMMAR_INVALID, SAMPLING_INVALID. */
  sampler(options: SamplerOptions): Promise<StepSampler>
  readonly kind: 'raw' | 'public'
}

export interface StepModel extends StepLoop {
  readonly model: LoadedModel
  readonly prefixReuse: boolean
  /** Template rendered, tokens of the whole prompt. Errors: TEMPLATE_FAILED. */
  prompt(messages: readonly ChatMessage[]): number[]
  detokenize(tokens: readonly number[], before: readonly number[]): string
  /** An end-of-generation token. */
  isEnd(token: number): boolean
  /** Frees context and model memory. Not while a step runs. */
  dispose(): Promise<void>
}
