/**
 * A model of letters: token n is character n, the answer to a prompt is what the test scripts (by default the prompt
 * itself, so that a wrong token anywhere in a slot shows), every step is recorded, may be held and costs what the test
 * says on its clock.
 */
import type { ModelSha256 } from '#contract/ids.ts'
import type {
  SampledToken,
  SavedState,
  StepItem,
  StepModel,
  StepSampler,
  Vocabulary,
} from '#engine/host/scheduler/step-model.ts'

const END = 0
const encode = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0))

class FakeSavedState implements SavedState {
  readonly bytes: number
  readonly tokens: readonly number[]
  readonly #onDispose: () => void
  constructor(tokens: readonly number[], bytes: number, onDispose: () => void) {
    this.tokens = tokens
    this.bytes = bytes
    this.#onDispose = onDispose
  }
  dispose(): void {
    this.#onDispose()
  }
}

const vocabulary: Vocabulary = {
  tokenize: encode,
  tokenizeSpecial: encode,
  begin: null,
  end: null,
  beginText: '',
  endText: '',
  chatTemplate: '{% for message in messages %}{{ message.content }}{% endfor %}',
  size: 65_536,
  bytesOf: (token) => Buffer.from(String.fromCharCode(token)),
  isEnd: (token) => token === END,
  isControl: () => false,
}

export interface FakeStepModelOptions {
  slots?: number
  contextTokens?: number
  prefixReuse?: boolean
  savedPrefixBytes?: number
  batchTokens?: number
  /** The loop that cannot copy or save. */
  kind?: 'native' | 'public'
}

export class FakeStepModel implements StepModel {
  readonly kind
  readonly model
  vocabulary = vocabulary
  readonly prefixReuse
  readonly savedPrefixBytes
  readonly batchTokens
  readonly threadsMax = 4
  readonly steps: StepItem[][] = []
  /** Every call between steps, in order. */
  readonly calls: string[] = []
  readonly threads: number[] = []
  /** Samplers disposed. */
  disposed = 0
  /** Saved states that were not disposed. */
  saved = 0
  failNext = false
  /** What a copy really brings; by default all. */
  copied: (count: number) => number = (count) => count
  /** A fake state's bytes; 10 a token. */
  bytesOf: (tokens: readonly number[]) => number = (tokens) => tokens.length * 10
  /** Answer to the prompt's text; the end token follows. */
  answer: (prompt: string) => string = (prompt) => prompt
  /** Called before each step; a test may wait in it. */
  beforeStep: (items: readonly StepItem[]) => Promise<void> | void = () => undefined
  /** Called for each embedding. */
  onEmbed: () => void = () => undefined
  readonly #texts = new Map<StepSampler, { answer: string; at: number }>()
  readonly #contents = new Map<number, number[]>()

  constructor({
    slots = 1,
    contextTokens = 1_000,
    prefixReuse = false,
    savedPrefixBytes = 1_000_000,
    batchTokens = 512,
    kind = 'native',
  }: FakeStepModelOptions = {}) {
    this.model = { sha256: 'b'.repeat(64) as ModelSha256, slots, contextTokens, engine: 'fake', device: 'fake' }
    this.prefixReuse = prefixReuse
    this.savedPrefixBytes = savedPrefixBytes
    this.batchTokens = batchTokens
    this.kind = kind
  }

  /** Tokens evaluated so far, prompts and answers. */
  get evaluated(): number {
    return this.steps.flat().reduce((sum, item) => sum + item.tokens.length, 0)
  }

  async step(items: readonly StepItem[]): Promise<(SampledToken | null)[]> {
    this.steps.push([...items])
    await this.beforeStep(items)
    if (this.failNext) {
      this.failNext = false
      throw new Error('Eval has failed')
    }
    return items.map((item) => {
      const held = this.#content(item.slot)
      if (held.length !== item.position) throw new Error(`position ${item.position}, held ${held.length}`)
      held.push(...item.tokens)
      if (item.sampler === null) return null
      const text = this.#texts.get(item.sampler) ?? { answer: this.answer(String.fromCharCode(...held)), at: 0 }
      this.#texts.set(item.sampler, { ...text, at: text.at + 1 })
      return { token: text.at < text.answer.length ? text.answer.charCodeAt(text.at) : END }
    })
  }

  async keep(slot: number, count: number): Promise<number> {
    this.calls.push(`keep ${slot} ${count}`)
    const kept = this.#content(slot).slice(0, count)
    this.#contents.set(slot, kept)
    return kept.length
  }

  async copy(from: number, to: number, count: number): Promise<number> {
    this.calls.push(`copy ${from} ${to} ${count}`)
    const copied = this.kind === 'public' ? [] : this.#content(from).slice(0, this.copied(count))
    this.#contents.set(to, copied)
    return copied.length
  }

  async save(slot: number): Promise<SavedState | null> {
    if (this.kind === 'public') return null
    const tokens = [...this.#content(slot)]
    this.calls.push(`save ${slot} ${tokens.length}`)
    this.saved += 1
    return new FakeSavedState(tokens, this.bytesOf(tokens), () => (this.saved -= 1))
  }

  async restore(slot: number, saved: SavedState): Promise<boolean> {
    const { tokens } = saved as FakeSavedState
    this.calls.push(`restore ${slot} ${tokens.length}`)
    this.#contents.set(slot, [...tokens])
    return true
  }

  async sampler(): Promise<StepSampler> {
    return {
      dispose: () => {
        this.disposed += 1
      },
    }
  }

  setThreads(threads: number): void {
    this.threads.push(threads)
  }

  async embed(tokens: readonly number[]): Promise<number[]> {
    this.onEmbed()
    return [tokens.length, 0]
  }

  async dispose(): Promise<void> {
    this.disposed += 1
  }

  #content(slot: number): number[] {
    let content = this.#contents.get(slot)
    if (content === undefined) {
      content = []
      this.#contents.set(slot, content)
    }
    return content
  }
}
