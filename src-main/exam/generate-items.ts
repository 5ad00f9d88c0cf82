/**
 * Exam items, levels 1 and 2, exactly as the exam specification says: a seed fixes every item, to the byte.
 * Source: docs/exam.md (randomness, item templates, order of draws). Pure; the only import is SHA-256.
 */
import { createHash } from 'node:crypto'

import lists from '../../resources/exam/lists.json' with { type: 'json' }

export const FAMILIES = ['arith', 'order', 'recall', 'extract', 'follow', 'logic', 'tools', 'trace'] as const
export type Family = (typeof FAMILIES)[number]
export type Level = 1 | 2

export interface ExamItem {
  /** `family/level/index`. */
  id: string
  prompt: string
  answer: string
}

export const SEED_PATTERN = /^[A-Za-z0-9._-]{1,64}$/

/**
 * The stream of draws of one item (or load call): 32-bit big-endian words of SHA-256(`seed|family|level|index|k`), k =
 * 0, 1, …
 */
export class Draws {
  readonly #prefix: string
  #block = 0
  #words: number[] = []

  constructor(seed: string, family: string, level: Level, index: number) {
    this.#prefix = `${seed}|${family}|${level}|${index}|`
  }

  #next(): number {
    if (this.#words.length === 0) {
      const digest = createHash('sha256').update(`${this.#prefix}${this.#block}`, 'utf8').digest()
      this.#block += 1
      for (let at = 0; at < 32; at += 4) this.#words.push(digest.readUInt32BE(at))
    }
    return this.#words.shift()!
  }

  /** Uniform on 0..n-1, by rejection; the chance of more than 64 rejections in a row is below 2^-64. */
  int(n: number): number {
    const limit = Math.floor(2 ** 32 / n) * n
    for (let attempt = 0; attempt < 64; attempt += 1) {
      const u = this.#next()
      if (u < limit) return u % n
    }
    throw new Error('64 rejected draws in a row: the hash is not random')
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!
  }

  /** Partial Fisher-Yates on a copy: the first n elements. */
  sample<T>(list: readonly T[], n: number): T[] {
    const copy = [...list]
    for (let i = 0; i < n; i += 1) {
      const j = i + this.int(copy.length - i)
      ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
    }
    return copy.slice(0, n)
  }
}

type Made = Pick<ExamItem, 'prompt' | 'answer'>
const HUNDRED = Array.from({ length: 100 }, (_, n) => n)
const [NUMBER_ONLY, LIST_ONLY, CODE_ONLY, VALUE_ONLY, NAME_ONLY, OUTPUT_ONLY] = [
  'number',
  'sorted list',
  'code',
  'value',
  'name',
  'output',
].map((what) => ` Answer with the ${what} only.`)

function arith(d: Draws, level: Level): Made {
  const minus = d.int(2) === 1
  const top = level === 1 ? 21 : 100
  let a = d.int(top)
  let b = d.int(top)
  if (minus && a < b) [a, b] = [b, a]
  const symbolic = d.int(2) === 0
  const words = minus ? `Subtract ${b} from ${a}.` : `Add ${a} and ${b}.`
  return {
    prompt: `${symbolic ? `What is ${a} ${minus ? '-' : '+'} ${b}?` : words}${NUMBER_ONLY}`,
    answer: String(minus ? a - b : a + b),
  }
}

function order(d: Draws, level: Level): Made {
  if (level === 1) {
    const [a, b] = d.sample(HUNDRED, 2) as [number, number]
    const larger = d.int(2) === 0
    return {
      prompt: `Which is ${larger ? 'larger' : 'smaller'}, ${a} or ${b}?${NUMBER_ONLY}`,
      answer: String(larger ? Math.max(a, b) : Math.min(a, b)),
    }
  }
  const numbers = d.sample(HUNDRED, 4)
  const up = d.int(2) === 0
  const sorted = [...numbers].sort((x, y) => (up ? x - y : y - x))
  return {
    prompt: `Sort these numbers from ${up ? 'smallest to largest' : 'largest to smallest'}: ${numbers.join(', ')}.${LIST_ONLY}`,
    answer: sorted.join(', '),
  }
}

function recall(d: Draws, level: Level): Made {
  const colours = d.sample(lists.colours, level === 1 ? 4 : 8)
  const codes = colours.map(() => `${lists.letters[d.int(24)]!}${d.int(10)}`)
  const asked = d.int(colours.length)
  const stated = colours.map((colour, at) => `${colour} is ${codes[at]}`).join(', ')
  return { prompt: `Codes: ${stated}. What is the code for ${colours[asked]}?${CODE_ONLY}`, answer: codes[asked]! }
}

function extract(d: Draws, level: Level): Made {
  const name = d.pick(lists.names)
  const city = d.pick(lists.cities)
  const age = 18 + d.int(72)
  if (level === 1) {
    const field = d.pick(['name', 'city', 'age'] as const)
    return {
      prompt: `Record: name: ${name}; city: ${city}; age: ${age}. What is the ${field}?${VALUE_ONLY}`,
      answer: String({ name, city, age }[field]),
    }
  }
  return {
    prompt: `${name} is ${age} years old and lives in ${city}. Answer with only a JSON object with the keys name, age, city.`,
    answer: JSON.stringify({ name, age, city }),
  }
}

function follow(d: Draws, level: Level): Made {
  const word = d.pick(lists.words)
  const end = ' Write nothing else.'
  if (level === 2) {
    const three = d.sample(lists.words, 3)
    const [said, sign] = (
      [
        ['commas', ','],
        ['dashes', '-'],
        ['plus signs', '+'],
      ] as const
    )[d.int(3)]!
    const prompt = `Write the words ${three[0]}, ${three[1]} and ${three[2]} in that order in capital letters, separated by ${said} with no spaces.${end}`
    return { prompt, answer: three.map((w) => w.toUpperCase()).join(sign) }
  }
  const kind = d.int(3)
  if (kind === 1) return { prompt: `Write the word ${word} in capital letters.${end}`, answer: word.toUpperCase() }
  if (kind === 2) return { prompt: `Write only the first letter of the word ${word}.${end}`, answer: word[0]! }
  const times = 2 + d.int(4)
  return {
    prompt: `Write the word ${word} ${times} times, separated by single spaces.${end}`,
    answer: Array(times).fill(word).join(' '),
  }
}

function logic(d: Draws, level: Level): Made {
  const names = d.sample(lists.names, level === 1 ? 3 : 4)
  const trait = d.pick(lists.traits)
  const facts = names.slice(0, -1).map((name, at) => `${name} is ${trait[0]} than ${names[at + 1]}.`)
  const shuffled = d.sample(facts, facts.length)
  const top = d.int(2) === 0
  return {
    prompt: `${shuffled.join(' ')} Who is the ${top ? trait[1] : trait[2]}?${NAME_ONLY}`,
    answer: top ? names[0]! : names.at(-1)!,
  }
}

function tools(d: Draws, level: Level): Made {
  const offered = d.sample(lists.tools as [string, string, string][], level === 1 ? 2 : 4)
  const [tool, argument, sentence] = d.pick(offered)
  const values = { city: lists.cities, name: lists.names, word: lists.words }[argument]!
  const value = d.pick(values)
  const listed = offered.map(([name, arg]) => `${name}(${arg})`).join(', ')
  const prompt = `Tools: ${listed}. Request: ${sentence.replace('{}', value)} Answer with only a JSON object with the keys tool and arguments.`
  return { prompt, answer: JSON.stringify({ tool, arguments: { [argument]: value } }) }
}

function trace(d: Draws, level: Level): Made {
  let x = d.int(21)
  const lines = [`x = ${x}`]
  for (let step = 0; step < level; step += 1) {
    const b = d.int(10)
    const coin = d.int(2) === 1
    const minus = coin && x >= b
    lines.push(`x = x ${minus ? '-' : '+'} ${b}`)
    x = minus ? x - b : x + b
  }
  return {
    prompt: `A program runs: ${lines.join('; ')}; print(x). What does it print?${OUTPUT_ONLY}`,
    answer: String(x),
  }
}

const MAKERS: Record<Family, (d: Draws, level: Level) => Made> = {
  arith,
  order,
  recall,
  extract,
  follow,
  logic,
  tools,
  trace,
}

/** One item. `seed` must match SEED_PATTERN, `index` is a non-negative integer; throws RangeError otherwise. */
export function examItem(seed: string, family: Family, level: Level, index: number): ExamItem {
  if (!SEED_PATTERN.test(seed)) throw new RangeError('a seed is 1 to 64 of A-Z a-z 0-9 . _ -')
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('an item index is a non-negative integer')
  return { id: `${family}/${level}/${index}`, ...MAKERS[family](new Draws(seed, family, level, index), level) }
}
