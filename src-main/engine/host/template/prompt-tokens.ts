/**
 * Tokenizes the parts of a prompt. Template text and the users' texts beside it are tokenized together where no control
 * token is in between, as in training; the names of control tokens become control tokens in template text only.
 */
import type { Vocabulary } from '../scheduler/step-model.ts'
import type { PromptPart } from './template-values.ts'

/** Characters tokenized at once: some milliseconds, after which messages and the steps of other jobs run. */
const CUT_CHARACTERS = 8_192
/** How far back from the cut a word boundary is searched. */
const LOOK_BACK = 1_024

/** Control tokens as they are, the rest as text. */
export type Segment = { token: number } | { text: string }

export interface TokenBudget {
  /** Tokenizing stops soon after this many tokens; the result is then longer by an unknown number. */
  most: number
  pause: () => Promise<unknown>
}

/** True for tokenizers that put a space before a text. */
const addsSpace = (vocabulary: Vocabulary): boolean =>
  vocabulary.bytesOf(vocabulary.tokenize('a', { begins: true })[0] ?? -1)[0] === 0x20

/** Template text as control tokens and the text between them; null when its tokens do not give that text back. */
function controlSegments(
  text: string,
  vocabulary: Vocabulary,
  { first, spaced }: { first: boolean; spaced: boolean },
): Segment[] | null {
  const segments: Segment[] = []
  let run: number[] = []
  let begins = first
  const close = (): void => {
    if (run.length > 0) {
      const plain = Buffer.concat(run.map((token) => vocabulary.bytesOf(token))).toString('utf8')
      segments.push({ text: begins && spaced && plain.startsWith(' ') ? plain.slice(1) : plain })
    }
    run = []
    begins = true
  }
  for (const token of vocabulary.tokenizeSpecial(text, { begins: first })) {
    if (vocabulary.isControl(token)) {
      close()
      segments.push({ token })
    } else run.push(token)
  }
  close()
  // Every text segment must occur in the text, in order: normalising tokenizers change it.
  let at = 0
  for (const segment of segments) {
    if (!('text' in segment)) continue
    at = text.indexOf(segment.text, at)
    if (at < 0) return null
    at += segment.text.length
  }
  return segments
}

/**
 * Joins adjacent texts. Lone surrogates become U+FFFD: UTF-8 cannot encode them. Long template text is read in pieces,
 * with a pause after each.
 */
export async function segmentsOf(
  parts: readonly PromptPart[],
  vocabulary: Vocabulary,
  pause: () => Promise<unknown>,
): Promise<Segment[]> {
  const spaced = addsSpace(vocabulary)
  const result: Segment[] = []
  const add = (segment: Segment): void => {
    const last = result.at(-1)
    if ('text' in segment && last !== undefined && 'text' in last) last.text += segment.text
    else result.push({ ...segment })
  }
  const addControl = (text: string): void => {
    const first = result.length === 0
    const segments =
      controlSegments(text, vocabulary, { first, spaced }) ??
      vocabulary.tokenizeSpecial(text, { begins: first }).map((token) => ({ token }))
    segments.forEach(add)
  }
  let read = 0
  for (const { text, control } of parts) {
    if (!control) {
      add({ text: text.toWellFormed() })
      continue
    }
    for (let from = 0; from < text.length;) {
      const to = cut(text, from)
      addControl(text.slice(from, to))
      read += to - from
      from = to
      if (read >= CUT_CHARACTERS) {
        read = 0
        await pause()
      }
    }
  }
  return result
}

/** Where to cut: between two words if a boundary is near, else never inside a character. */
function cut(text: string, from: number): number {
  const end = from + CUT_CHARACTERS
  if (end >= text.length) return text.length
  for (let at = end; at > end - LOOK_BACK; at -= 1)
    if (text[at] === ' ' && /\S/.test(text[at - 1] ?? ' ') && /\S/.test(text[at + 1] ?? ' ')) return at
  const code = text.charCodeAt(end)
  return code >= 0xdc00 && code <= 0xdfff ? end - 1 : end
}

/** Tokens of the segments in order; stops soon after the budget is exceeded. */
export async function tokenizeSegments(
  segments: readonly Segment[],
  vocabulary: Vocabulary,
  { most, pause }: TokenBudget,
): Promise<number[]> {
  const tokens: number[] = []
  let begins = true
  for (const segment of segments) {
    if ('token' in segment) {
      tokens.push(segment.token)
      begins = true
      continue
    }
    for (let from = 0; from < segment.text.length && tokens.length <= most;) {
      const to = cut(segment.text, from)
      for (const token of vocabulary.tokenize(segment.text.slice(from, to), { begins })) tokens.push(token)
      begins = false
      from = to
      if (from < segment.text.length) await pause()
    }
  }
  return tokens
}
