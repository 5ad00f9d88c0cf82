/**
 * Many texts as one GBNF expression that branches character by character (a trie): as plain alternatives each would be
 * tried for every token of the vocabulary.
 */
import { literal } from './grammar-rules.ts'

export interface Branching {
  body: string
  /** Most alternatives that are open at once. */
  width: number
}

function commonStart(texts: readonly string[]): string {
  const [first = [], ...others] = texts.map((text) => Array.from(text))
  let length = 0
  while (length < first.length && others.every((other) => other[length] === first[length])) length += 1
  return first.slice(0, length).join('')
}

/** Texts that share their first character, or the empty text. */
function branch(texts: readonly string[]): Branching {
  const [only = ''] = texts
  if (texts.length === 1) return { body: literal(only), width: 1 }
  const start = commonStart(texts)
  const rest = literals(texts.map((text) => text.slice(start.length)))
  return { body: `${literal(start)} (${rest.body})`, width: rest.width }
}

/** Each text once. */
export function literals(texts: readonly string[]): Branching {
  const groups = Map.groupBy(new Set(texts), (text) => String.fromCodePoint(text.codePointAt(0) ?? 0))
  const branches = [...groups.values()].map(branch)
  return {
    body: branches.map((one) => one.body).join(' | '),
    width: branches.reduce((most, one) => Math.max(most, one.width), branches.length),
  }
}
