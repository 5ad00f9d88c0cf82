/** Is a reply the right answer to an exam item? Source: docs/exam.md, Checking an answer. Pure and bounded. */
import type { ExamItem, Family } from './generate-items.ts'
import { jsonEqual, lastTopLevel, parseWhole, type Parsed } from './strict-json.ts'
import { dropReasoning, unwrap } from './unwrap.ts'

export interface Checked {
  right: boolean
  /** In plain words, at most 80 characters; never holds text of the reply. */
  reason: string
}

/** Longer replies are wrong unread: no budget of a level up to 5 comes near it. */
export const REPLY_CHARS_MAX = 32_768
/** Where the last line's closing statement is looked for. */
const LINE_END_CHARS = 200
const INTEGER = /^[+-]?\d{1,40}$/

const RIGHT: Checked = { right: true, reason: 'right' }
const wrong = (reason: string): Checked => ({ right: false, reason })

/** The end of the last line that is not empty. */
function lastLineEnd(text: string): string {
  const line = text.split('\n').findLast((candidate) => candidate.trim() !== '') ?? ''
  return line.trimEnd().slice(-LINE_END_CHARS)
}

/**
 * The integer a reply states: the whole reply, or the one its last line ends with after `answer`, `result`, `output`,
 * `=` or `is`.
 */
function statedInteger(text: string): bigint | null {
  if (INTEGER.test(text)) return BigInt(text.replace('+', ''))
  const line = lastLineEnd(text)
  if (!/(?:answer|result|output|=|is)\W*[+-]?\d+\W*$/i.test(line)) return null
  const stated = /[+-]?\d+(?=\D*$)/.exec(line)?.[0] ?? ''
  return INTEGER.test(stated) ? BigInt(stated.replace('+', '')) : null
}

function checkInteger(answer: string, text: string): Checked {
  const stated = statedInteger(text)
  if (stated === null) return wrong('no number where the answer belongs')
  return stated === BigInt(answer) ? RIGHT : wrong('wrong number')
}

const splitList = (text: string): string[] => text.trim().split(/\s*,\s*|\s+/)

function checkList(answer: string, text: string): Checked {
  const bare = /^\[[^[\]]*\]$|^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text
  const stated = splitList(bare)
  if (!stated.every((piece) => INTEGER.test(piece))) return wrong('not a list of numbers')
  const expected = splitList(answer)
  const same =
    stated.length === expected.length &&
    stated.every((piece, at) => BigInt(piece.replace('+', '')) === BigInt(expected[at]!))
  return same ? RIGHT : wrong('wrong list')
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Names, codes, values: the whole reply, or what its last line ends with after `answer`, `result`, `output`, `=` or
 * `is`, as a word of its own.
 */
function checkWord(answer: string, text: string): Checked {
  if (text.toLowerCase() === answer.toLowerCase()) return RIGHT
  const stated = new RegExp(`(?:answer|result|output|=|is)\\W*(?<![A-Za-z0-9_])${escaped(answer)}\\W*$`, 'i')
  return stated.test(lastLineEnd(text)) ? RIGHT : wrong('wrong or more than the answer')
}

function checkJson(answer: string, found: Parsed): Checked {
  if (!found.ok)
    return wrong(found.reason === 'duplicate key' ? 'a key stands twice' : 'no JSON value where the answer belongs')
  const expected = parseWhole(answer)
  return expected.ok && jsonEqual(found.value, expected.value) ? RIGHT : wrong('wrong JSON value')
}

interface Reply {
  answer: string
  level: string
  /** Without its reasoning. */
  said: string
  /** Out of its packing: code fences, quotes, a final full stop. */
  text: string
}

const integer = ({ answer, text }: Reply): Checked => checkInteger(answer, text)
const word = ({ answer, text }: Reply): Checked => checkWord(answer, text)

/** One a family, so that a family without a check does not compile. */
const CHECKS: Readonly<Record<Family, (reply: Reply) => Checked>> = {
  arith: integer,
  trace: integer,
  order: ({ answer, level, text }) => (level === '1' ? checkInteger(answer, text) : checkList(answer, text)),
  extract: ({ answer, level, text }) =>
    level === '1' ? checkWord(answer, text) : checkJson(answer, lastTopLevel(text)),
  tools: ({ answer, text }) => checkJson(answer, parseWhole(text)),
  recall: word,
  logic: word,
  follow: ({ answer, said }) => (said.trim() === answer ? RIGHT : wrong('not exactly what was asked for')),
}

/** Judges one reply (without `reasoning_content`). Throws RangeError for an item id whose family has no check. */
export function checkAnswer(item: Pick<ExamItem, 'id' | 'answer'>, reply: string): Checked {
  const [family = '', level = ''] = item.id.split('/')
  if (reply.length > REPLY_CHARS_MAX) return wrong('too long')
  const said = dropReasoning(reply)
  if (said === null) return wrong('budget')
  if (said.trim() === '') return wrong('empty')
  if (!Object.hasOwn(CHECKS, family)) throw new RangeError('an exam item of a family without a check')
  const { answer } = item
  return CHECKS[family as Family]({ answer, level, said, text: unwrap(said, answer.endsWith('.')) })
}
