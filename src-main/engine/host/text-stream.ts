/** Tokens to text, one at a time: bytes of an unfinished UTF-8 character are held back until it is whole. */

/** Text of `tokens` as they stand after `before` (so that a leading space of the middle of a text is kept). */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string

export interface TextStream {
  /** Text made whole by this token; empty while a character is unfinished. */
  push(token: number): string
}

/** A character has at most 4 bytes and a token at least one; beyond this the bytes are no UTF-8 and are let through as U+FFFD. */
const HELD_TOKENS_MAX = 4
const BEFORE_TOKENS = 4

export function createTextStream(detokenize: Detokenize, prompt: readonly number[]): TextStream {
  let before = prompt.slice(-BEFORE_TOKENS)
  let held: number[] = []
  return {
    push(token) {
      held.push(token)
      const text = detokenize(held, before)
      if (text.endsWith('\uFFFD') && held.length < HELD_TOKENS_MAX) return ''
      before = [...before, ...held].slice(-BEFORE_TOKENS)
      held = []
      return text
    },
  }
}
