/**
 * The rules of one grammar in llama.cpp's GBNF, and what is checked on them: their size, ambiguity, and whether each can
 * ever end.
 */
import { fail } from '#contract/errors.ts'

import { isTooAmbiguous } from './grammar-ambiguity.ts'
import { PRIMITIVE_SHAPES, type RuleShape } from './grammar-shapes.ts'

/** Text of the whole grammar. */
const GBNF_BYTES_MAX = 262_144
/**
 * Copies of elements that llama.cpp makes of counted repetitions when it parses the grammar; more would take noticeable
 * time and memory.
 */
const COPIES_MAX = 40_000
/** llama.cpp refuses larger counts in one repetition; larger ones are composed of blocks. */
const BLOCK = 1_000
/** Largest count at all. */
const COUNT_MAX = 100_000

/** Parses of an answer that may be open at once: every token of the vocabulary is tried on each. */
const WIDTH_MAX = 256

/** Text as a GBNF literal. */
export const literal = (text: string): string =>
  `"${text.replaceAll(/["\\\n\r\t]/g, (character) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character] ?? `\\${character}`)}"`

/** JSON, RFC 8259. White space is bounded, so that no model can fill its answer with it. */
const PRIMITIVES: Record<string, { body: string; uses: string[] }> = {
  ws: { body: '| " " | "\\n" [ \\t]{0,20}', uses: [] },
  char: { body: '[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})', uses: [] },
  string: { body: '"\\"" char* "\\""', uses: ['char'] },
  whole: { body: '"0" | [1-9] [0-9]{0,15}', uses: [] },
  fraction: { body: '"." [0-9]{1,15}', uses: [] },
  integer: { body: '"-"? whole', uses: ['whole'] },
  number: { body: '"-"? whole fraction? ([eE] [-+]? [0-9]{1,2})?', uses: ['whole', 'fraction'] },
  boolean: { body: '"true" | "false"', uses: [] },
  null: { body: '"null"', uses: [] },
  member: { body: 'string ":" ws value', uses: ['string', 'ws', 'value'] },
  object: { body: '"{" ws (member ("," ws member)* ws)? "}"', uses: ['member', 'ws'] },
  array: { body: '"[" ws (value ("," ws value)* ws)? "]"', uses: ['value', 'ws'] },
  value: {
    body: 'object | array | string | number | boolean | null',
    uses: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  },
  date: { body: '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])', uses: [] },
  time: {
    body: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
    uses: [],
  },
  uuid: { body: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}', uses: [] },
}

/** What a rule needs before it can end: `all` of the named rules, or `any` one of them. */
interface EndCondition {
  mode: 'all' | 'any'
  of: readonly string[]
}

export class GrammarRules {
  readonly #bodies = new Map<string, string>()
  readonly #needs = new Map<string, EndCondition>()
  /** Parses open at a rule's start, for rules that are more than names of others. */
  readonly #widths = new Map<string, number>()
  readonly #shapes = new Map<string, RuleShape>(PRIMITIVE_SHAPES)
  /** Rules of whole values, each checked by itself. */
  readonly #roots = new Set<string>()
  /** Rules by their text: equal ones are shared. */
  readonly #written = new Map<string, string>()
  #bytes = 0
  #copies = 0

  /** A predefined rule by its name. */
  primitive(name: string): string {
    const known = PRIMITIVES[name]
    if (known !== undefined && !this.#bodies.has(name)) {
      this.put(name, known.body, { mode: 'all', of: [] })
      for (const use of known.uses) this.primitive(use)
    }
    return name
  }

  /** Reserves a name, so that a rule can refer to itself before it is written. */
  name(): string {
    const name = `r${this.#bodies.size + 1}`
    this.#bodies.set(name, '')
    return name
  }

  /** `width`: parses open at once at one position of the rule itself. */
  put(name: string, body: string, needs: EndCondition, width = 1): string {
    this.#bytes += name.length + body.length + 6
    if (this.#bytes > GBNF_BYTES_MAX) throw fail('grammar.tooLarge', { kib: GBNF_BYTES_MAX / 1_024 })
    this.#bodies.set(name, body)
    this.#needs.set(name, needs)
    this.#widths.set(name, width)
    return name
  }

  add(body: string, of: readonly string[] = [], mode: EndCondition['mode'] = 'all', width = 1): string {
    const key = `${mode} ${width} ${of.join(',')} ${body}`
    const known = this.#written.get(key)
    if (known !== undefined) return known
    const name = this.put(this.name(), body, { mode, of }, width)
    this.#written.set(key, name)
    return name
  }

  /** One of the named rules. */
  either(names: readonly string[]): string {
    const [...different] = new Set(names)
    if (different.length === 1) return different[0] ?? ''
    return this.shaped(this.add(different.join(' | '), different, 'any'), { kind: 'either', of: different })
  }

  /** Sets what a rule stands for; returns its name. */
  shaped(name: string, shape: RuleShape): string {
    this.#shapes.set(name, shape)
    return name
  }

  /** Marks the rule of a whole JSON value, whose ambiguity is then checked. */
  rooted(name: string): string {
    this.#roots.add(name)
    return name
  }

  /** Parses open at once inside a repetition with this many optional elements: see upTo. */
  static waysOf(optional: number | null): number {
    return optional !== null && optional > BLOCK ? 2 : 1
  }

  /**
   * `element` (a rule's name) from `least` to `most` times; null is unbounded. `what` names the keywords in the error.
   */
  times(element: string, least: number, most: number | null, what: string): string {
    if (most !== null && most < least) throw fail('grammar.contradict', { what })
    if (Math.max(least, most ?? 0) > COUNT_MAX) throw fail('grammar.beyond', { what, max: COUNT_MAX })
    return [this.#exactly(element, least), most === null ? `${element}*` : this.#upTo(element, most - least)]
      .filter((part) => part !== '')
      .join(' ')
  }

  /** The grammar's text with `start` as its root. Refuses rules that can never end, and too much ambiguity. */
  text(start: string): string {
    const ending = this.#endingRules()
    if (!ending.has(start)) throw fail('grammar.endless')
    this.#checkWidths()
    this.#checkAmbiguity()
    return [`root ::= ${start}`, ...[...this.#bodies].map(([name, body]) => `${name} ::= ${body}`)].join('\n')
  }

  #spend(copies: number): void {
    this.#copies += copies
    if (this.#copies > COPIES_MAX) throw fail('grammar.countsTooLarge')
  }

  #exactly(element: string, count: number): string {
    if (count === 0) return ''
    this.#spend(Math.min(count, BLOCK))
    if (count <= BLOCK) return `${element}{${count}}`
    const block = this.add(`${element}{${BLOCK}}`, [element])
    const [blocks, rest] = [Math.floor(count / BLOCK), count % BLOCK]
    return rest === 0 ? `${block}{${blocks}}` : `${block}{${blocks}} ${this.#exactly(element, rest)}`
  }

  /** In blocks, so that few parses are open at every position: a whole block and more, or less than a block and the end. */
  #upTo(element: string, count: number): string {
    if (count === 0) return ''
    this.#spend(Math.min(count, 2 * BLOCK))
    if (count <= BLOCK) return `${element}{0,${count}}`
    const [block, less] = [this.add(`${element}{${BLOCK}}`, [element]), this.add(`${element}{0,${BLOCK - 1}}`)]
    let rest = this.add(count % BLOCK === 0 ? '""' : `${element}{0,${count % BLOCK}}`)
    for (let blocks = Math.floor(count / BLOCK); blocks > 0; blocks -= 1)
      rest = this.add(`${block} ${rest} | ${less}`, [block, rest, less], 'any')
    return rest
  }

  /**
   * Refuses left recursion, and positions with too many open parses. Only rules made of names alone can be left
   * recursive.
   */
  #checkWidths(): void {
    const left = new Map(
      [...this.#bodies]
        .filter(([, body]) => /^\w+( \| \w+)*$/.test(body))
        .map(([name, body]) => [name, body.split(' | ')]),
    )
    const widths = new Map(this.#widths)
    for (let before = -1; left.size > 0 && before !== left.size;) {
      before = left.size
      for (const [name, firsts] of left) {
        if (firsts.some((first) => left.has(first))) continue
        left.delete(name)
        widths.set(
          name,
          firsts.reduce((sum, first) => sum + (widths.get(first) ?? 1), 0),
        )
      }
    }
    if (left.size > 0) throw fail('grammar.refToItself')
    if ([...widths.values()].some((width) => width > WIDTH_MAX)) throw fail('grammar.waysOpen', { max: WIDTH_MAX })
  }

  #checkAmbiguity(): void {
    const options = {
      shapeOf: (name: string) => this.#shapes.get(name),
      widthOf: (name: string) => this.#widths.get(name) ?? 1,
      most: WIDTH_MAX,
    }
    if ([...this.#roots].some((root) => isTooAmbiguous(root, options)))
      throw fail('grammar.alternativesOpen', { max: WIDTH_MAX })
  }

  #endingRules(): Set<string> {
    const ending = new Set<string>()
    const ends = ({ mode, of }: EndCondition): boolean =>
      mode === 'all' ? of.every((name) => ending.has(name)) : of.some((name) => ending.has(name))
    for (let size = -1; size !== ending.size;) {
      size = ending.size
      for (const [name, needs] of this.#needs) if (ends(needs)) ending.add(name)
    }
    return ending
  }
}
