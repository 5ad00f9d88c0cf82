/**
 * Takes tool calls out of a streamed answer: text passes until an opening marker; what follows is held and read at the
 * end.
 */
import { MESSAGE_BYTES_MAX, TOOLS_MAX, type ToolCall } from '#contract/inference.ts'

import type { ToolFormat } from './tool-format.ts'
import { readCalls } from './read-tool-calls.ts'

export interface ToolCallParser {
  /** Returns text that is no call; what may be the start of one is held. */
  push(text: string): string
  /** No more text. Returns the calls, and the held text that is none. */
  end(): { text: string; calls: ToolCall[] }
}

export interface ParserOptions {
  format: ToolFormat
  /** Names of the offered tools; a call of any other is plain text. */
  names: readonly string[]
  callId: () => string
}

/** How a Llama model begins an answer that is a call, without white space. */
const LLAMA_STARTS = ['{"name"', '{"type"', '{"function"', '{"parameters"'] as const
const START_LOOK = 64

/** True while the answer so far may be a call without a marker. */
function maybeBare(text: string): boolean {
  const compact = text.slice(0, START_LOOK).replaceAll(/\s/g, '')
  return LLAMA_STARTS.some((start) => start.startsWith(compact) || compact.startsWith(start))
}

/** Length of the longest suffix of `text` that is a prefix of an opening. */
function heldLength(text: string, openings: readonly string[]): number {
  let held = 0
  for (const opening of openings) {
    for (let length = Math.min(opening.length - 1, text.length); length > held; length -= 1) {
      if (text.endsWith(opening.slice(0, length))) held = length
    }
  }
  return held
}

/** What both the lazy grammar and the parser take for the beginning of a call. */
export const openingsOf = (format: ToolFormat, names: readonly string[]): string[] => [
  format.opening,
  ...(format.name === 'llama' ? names.map((name) => `{"name": "${name}"`) : []),
]

export function createToolCallParser({ format, names, callId }: ParserOptions): ToolCallParser {
  const openings = openingsOf(format, names)
  let held = ''
  let state: 'start' | 'text' | 'call' = format.name === 'llama' ? 'start' : 'text'

  function take(from: number): string {
    const free = held.slice(0, from)
    held = held.slice(from)
    return free
  }

  return {
    push(text) {
      held += text
      if (state === 'start') {
        if (maybeBare(held)) {
          if (held.length > START_LOOK) state = 'call'
          return ''
        }
        state = 'text'
      }
      if (state === 'text') {
        const at = openings.map((opening) => held.indexOf(opening)).filter((index) => index >= 0)
        if (at.length === 0) return take(held.length - heldLength(held, openings))
        state = 'call'
        return take(Math.min(...at))
      }
      // No call is this long: it is delivered as text.
      return held.length > MESSAGE_BYTES_MAX ? take(held.length) : ''
    },
    end() {
      const text = take(held.length)
      if (state === 'text') return { text, calls: [] }
      const read = readCalls(text, format)
      const known = read.calls.every((call) => names.includes(call.name)) && read.calls.length <= TOOLS_MAX
      if (!known || read.calls.length === 0) return { text, calls: [] }
      return { text: read.text, calls: read.calls.map((call) => ({ id: callId(), ...call })) }
    },
  }
}
