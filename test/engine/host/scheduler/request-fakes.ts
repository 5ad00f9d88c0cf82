/** A vocabulary small enough to read: bytes as tokens, and control tokens by name beyond them. */
import type { ModelSha256 } from '#contract/ids.ts'
import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import type { SamplerOptions, StepModel, Vocabulary } from '#engine/host/scheduler/step-model.ts'

export const CONTROLS = ['<s>', '</s>', '<|im_start|>', '<|im_end|>', '[TOOL_CALLS]'] as const
export const control = (name: (typeof CONTROLS)[number]): number => 256 + CONTROLS.indexOf(name)
const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

export class FakeVocabulary implements Vocabulary {
  readonly begin: number | null = null
  readonly end: number | null = null
  readonly beginText = '<s>'
  readonly endText = '</s>'
  chatTemplate: string | null = CHATML
  readonly size = 256 + CONTROLS.length
  /** Puts a space before a text that begins, as SentencePiece does. */
  spaced = false
  /** Characters tokenized so far. */
  characters = 0

  tokenize(text: string, { begins = false } = {}): number[] {
    this.characters += text.length
    return [...Buffer.from(this.spaced && begins ? ` ${text}` : text, 'utf8')]
  }

  tokenizeSpecial(text: string, { begins = false } = {}): number[] {
    const pieces = text.split(/(<s>|<\/s>|<\|im_start\|>|<\|im_end\|>|\[TOOL_CALLS\])/)
    let first = begins
    return pieces.flatMap((piece, at) => {
      if (at % 2 === 1) {
        first = true
        return [control(piece as (typeof CONTROLS)[number])]
      }
      const tokens = piece === '' ? [] : this.tokenize(piece, { begins: first })
      if (piece !== '') first = false
      return tokens
    })
  }

  bytesOf(token: number): Uint8Array {
    return token < 256 && token >= 0 ? Uint8Array.of(token) : new Uint8Array()
  }

  isEnd(token: number): boolean {
    return token === control('</s>') || token === control('<|im_end|>')
  }

  isControl(token: number): boolean {
    return token >= 256
  }
}

/** What a job needs of a model; every sampler's options are kept. */
export class FakeModel implements Pick<StepModel, 'model' | 'vocabulary' | 'sampler'> {
  readonly vocabulary = new FakeVocabulary()
  readonly model
  readonly samplers: SamplerOptions[] = []
  constructor(contextTokens = 1_000) {
    this.model = { sha256: 'c'.repeat(64) as ModelSha256, slots: 1, contextTokens, engine: 'fake', device: 'fake' }
  }
  async sampler(options: SamplerOptions): Promise<{ dispose: () => void }> {
    this.samplers.push(options)
    return { dispose: () => undefined }
  }
}

export const request = (more: Partial<Record<keyof EngineRequest, unknown>> = {}): EngineRequest =>
  engineRequest.parse({ messages: [{ role: 'user', content: 'hello' }], maxTokens: 8, ...more })
