/**
 * The reference tokenizer `bytes4`: ceil(UTF-8 bytes / 4), so that a model which splits text finely cannot bill more.
 * Zod-free.
 */
import type { ToolCall } from './inference.ts'

/** A reference token is so many bytes of UTF-8. */
export const BYTES_A_TOKEN = 4
export const bytes4OfLength = (utf8Bytes: number): number => Math.ceil(utf8Bytes / BYTES_A_TOKEN)

/** UTF-8 length of a text without building the bytes; lone surrogates count 3, as their replacement character does. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && text.charCodeAt(at + 1) >= 0xdc00 && text.charCodeAt(at + 1) < 0xe000) {
      bytes += 4
      at += 1
    } else bytes += 3
  }
  return bytes
}

/** The longest beginning of a text that has at most `mostBytes` of UTF-8; no character is split. */
export function utf8Prefix(text: string, mostBytes: number): string {
  // A UTF-16 unit is 3 bytes at most.
  if (text.length * 3 <= mostBytes) return text
  let bytes = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = String.fromCodePoint(text.codePointAt(at)!)
    bytes += utf8Length(character)
    if (bytes > mostBytes) return text.slice(0, at)
    at += character.length - 1
  }
  return text
}

export const bytes4 = (text: string): number => bytes4OfLength(utf8Length(text))

/**
 * Input of a request in protocol 2: the bytes of its texts and of the canonical JSON of what else the model reads (tools,
 * calls, schema), counted together. `json` gives the canonical JSON of a value.
 */
export const billedInput = (texts: readonly string[], values: readonly unknown[], json: (value: unknown) => string) =>
  bytes4OfLength(
    texts.reduce((sum, text) => sum + utf8Length(text), 0) +
      values.reduce<number>((sum, value) => sum + (value === undefined ? 0 : utf8Length(json(value))), 0),
  )

/** UTF-8 bytes of an answer that are billed in protocol 2: content, reasoning, names and arguments of calls. */
export const billedOutputBytes = ({
  content,
  reasoning,
  toolCalls,
}: {
  content: string
  reasoning: string
  toolCalls: readonly Pick<ToolCall, 'name' | 'arguments'>[]
}): number =>
  utf8Length(content) +
  utf8Length(reasoning) +
  toolCalls.reduce((sum, call) => sum + utf8Length(call.name) + utf8Length(call.arguments), 0)

/**
 * Input of a request in protocol 1: the bytes of all message contents together, roles and template not counted. Also
 * that of every request without tools, calls and schema in protocol 2.
 */
export const inputTokens = (messages: readonly { role?: string; content: string }[]): number =>
  bytes4OfLength(messages.reduce((sum, message) => sum + utf8Length(message.content), 0))
