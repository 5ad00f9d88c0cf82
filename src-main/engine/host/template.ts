/**
 * The chat template of a GGUF, compiled once. Message contents never pass through the template: it renders placeholders, which are cut out
 * afterwards, so that template text may hold control tokens and the users' text cannot.
 */
import { Template } from '@huggingface/jinja'

import { StokerError } from '#contract/errors.ts'
import type { ChatMessage } from '#contract/inference.ts'

/** `control`: template text, tokenized with special tokens. Otherwise plain text. */
interface PromptPart {
  text: string
  control: boolean
}

export interface ChatTemplate {
  /** Throws TEMPLATE_FAILED. */
  render(messages: readonly ChatMessage[]): PromptPart[]
}

/** Private-use characters around a number: no template holds them, and no user text reaches the renderer. */
const placeholder = (index: number): string => `\uE0F1${index}\uE0F2`
const PLACEHOLDER = /\uE0F1(\d+)\uE0F2/

const failed = (reason: string): StokerError =>
  new StokerError('TEMPLATE_FAILED', `The model's chat template cannot render these messages: ${reason.slice(0, 200)}. Change their roles or order, or use another model.`)

/** Some templates know no system role: its text then goes before the next user message. */
function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const result: ChatMessage[] = []
  let waiting: string[] = []
  for (const message of messages) {
    if (message.role === 'system') waiting.push(message.content)
    else if (message.role === 'user') {
      result.push({ role: 'user', content: [...waiting, message.content].join('\n\n') })
      waiting = []
    } else result.push(message)
  }
  if (waiting.length > 0) result.push({ role: 'user', content: waiting.join('\n\n') })
  return result
}

/** Parts in order, or null when a content was dropped or repeated by the template. */
function split(rendered: string, contents: readonly string[]): PromptPart[] | null {
  const pieces = rendered.split(PLACEHOLDER)
  const seen = new Set<number>()
  const parts: PromptPart[] = []
  for (const [at, piece] of pieces.entries()) {
    if (at % 2 === 0) parts.push({ text: piece, control: true })
    else if (seen.has(Number(piece))) return null
    else {
      seen.add(Number(piece))
      parts.push({ text: contents[Number(piece)] ?? '', control: false })
    }
  }
  return seen.size === contents.length ? parts.filter((part) => part.text !== '') : null
}

/** `special` are the texts of the model's begin, end and unknown tokens as the template may name them. Throws TEMPLATE_FAILED when it does not compile. */
export function compileTemplate(source: string, special: { bos: string; eos: string }): ChatTemplate {
  let template: Template
  try {
    template = new Template(source)
  } catch (error) {
    throw failed(`it does not compile (${(error as Error).message})`)
  }
  const renderWith = (messages: readonly ChatMessage[], wrap: (index: number) => string): string =>
    template.render({
      messages: messages.map((message, index) => ({ role: message.role, content: wrap(index) })),
      add_generation_prompt: true,
      bos_token: special.bos,
      eos_token: special.eos,
    })

  // A template that trims what it is given expects trimmed contents.
  const trims = ((): boolean => {
    try {
      return !renderWith([{ role: 'user', content: '' }], (index) => ` ${placeholder(index)} `).includes(` ${placeholder(0)} `)
    } catch {
      return false
    }
  })()
  const attempt = (messages: readonly ChatMessage[]): PromptPart[] | null =>
    split(
      renderWith(messages, placeholder),
      messages.map((message) => (trims ? message.content.trim() : message.content)),
    )

  return {
    render(messages) {
      let reason = 'it leaves a message out'
      for (const candidate of [messages, withoutSystem(messages)]) {
        try {
          const parts = attempt(candidate)
          if (parts !== null) return parts
        } catch (error) {
          reason = (error as Error).message
        }
        if (!messages.some((message) => message.role === 'system')) break
      }
      throw failed(reason)
    },
  }
}
