/** A model of letters: token n is character n, the answer to a prompt is what the test scripts, every step is recorded and may be held. */
import type { ModelSha256 } from '#contract/ids.ts'
import type { SamplerOptions, StepItem, StepModel, StepSampler } from '#engine/host/step-model.ts'

const END = 0

export class FakeStepModel implements StepModel {
  readonly kind = 'raw'
  readonly model
  readonly prefixReuse: boolean
  readonly steps: StepItem[][] = []
  readonly keeps: { slot: number; count: number }[] = []
  disposed = 0
  failNext = false
  /** Answer to the prompt's text; the end token follows. */
  answer: (prompt: string) => string = (prompt) => prompt
  /** Called before each step; a test may wait in it. */
  beforeStep: (items: readonly StepItem[]) => Promise<void> | void = () => undefined
  private readonly texts = new Map<StepSampler, { answer: string; at: number }>()
  private readonly contents = new Map<number, string>()

  constructor({ slots = 1, contextTokens = 1_000, prefixReuse = false } = {}) {
    this.model = { sha256: 'b'.repeat(64) as ModelSha256, slots, contextTokens, engine: 'fake', device: 'fake' }
    this.prefixReuse = prefixReuse
  }

  async step(items: readonly StepItem[]): Promise<(number | null)[]> {
    this.steps.push([...items])
    await this.beforeStep(items)
    if (this.failNext) {
      this.failNext = false
      throw new Error('Eval has failed')
    }
    return items.map((item) => {
      const held = this.contents.get(item.slot) ?? ''
      if (held.length !== item.position) throw new Error(`position ${item.position}, held ${held.length}`)
      const now = held + String.fromCharCode(...item.tokens)
      this.contents.set(item.slot, now)
      if (item.sampler === null) return null
      const text = this.texts.get(item.sampler) ?? { answer: this.answer(now), at: 0 }
      this.texts.set(item.sampler, { ...text, at: text.at + 1 })
      return text.at < text.answer.length ? text.answer.charCodeAt(text.at) : END
    })
  }

  async keep(slot: number, count: number): Promise<number> {
    this.keeps.push({ slot, count })
    this.contents.set(slot, (this.contents.get(slot) ?? '').slice(0, count))
    return count
  }

  async sampler(_options: SamplerOptions): Promise<StepSampler> {
    return {
      dispose: () => {
        this.disposed += 1
      },
    }
  }

  prompt(messages: readonly { content: string }[]): number[] {
    return Array.from(messages.map((message) => message.content).join(''), (character) => character.charCodeAt(0))
  }

  detokenize(tokens: readonly number[]): string {
    return String.fromCharCode(...tokens)
  }

  isEnd(token: number): boolean {
    return token === END
  }

  async dispose(): Promise<void> {
    this.disposed += 1
  }
}
