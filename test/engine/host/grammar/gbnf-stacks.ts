/**
 * Counts the stacks that llama.cpp would keep for a grammar: each way to go on, once. For tests; no source of it is
 * used, only its way of working.
 */

/** One alternative: characters it takes, or rules by number. */
type Element = { takes: (character: string) => boolean; sample: string } | { rule: number }
interface Stack {
  alternative: readonly Element[]
  at: number
  under: Stack | null
  id: number
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

export class GbnfStacks {
  readonly #rules: Element[][][] = []
  readonly #names = new Map<string, number>()
  readonly #ids = new Map<string, Stack>()
  readonly #alternatives = new Map<readonly Element[], number>()
  #stacks: (Stack | null)[]

  constructor(gbnf: string) {
    for (const line of gbnf.split('\n')) {
      const [, name = '', body = ''] = /^(\S+) ::= (.*)$/s.exec(line) ?? []
      this.#rules[this.#numberOf(name)] = this.#parse(body)
    }
    this.#stacks = [...this.#opened(this.#stack([{ rule: this.#numberOf('root') }], 0, null))]
  }

  get count(): number {
    return this.#stacks.length
  }

  /** A character that some stack takes; null when none does. `pick` chooses the stack. */
  next(pick: (count: number) => number): string | null {
    const open = this.#stacks.filter((stack) => stack !== null)
    const element = open[pick(open.length)]
    const top = element?.alternative[element.at]
    return top !== undefined && 'takes' in top ? top.sample : null
  }

  push(character: string): void {
    const left = this.#stacks.flatMap((stack) => {
      const top = stack?.alternative[stack.at]
      return stack !== null && top !== undefined && 'takes' in top && top.takes(character)
        ? [this.#stack(stack.alternative, stack.at + 1, stack.under)]
        : []
    })
    this.#stacks = [...new Set(left.flatMap((stack) => [...this.#opened(stack)]))]
  }

  #numberOf(name: string): number {
    const known = this.#names.get(name) ?? this.#names.size
    this.#names.set(name, known)
    return known
  }

  #added(rule: Element[][]): Element {
    const number = this.#numberOf(`+${this.#names.size}`)
    this.#rules[number] = rule
    return { rule: number }
  }

  /** Equal stacks are the same object; an alternative at its end is what lies under it. */
  #stack(alternative: readonly Element[], at: number, under: Stack | null): Stack | null {
    if (at >= alternative.length) return under
    if (!this.#alternatives.has(alternative)) this.#alternatives.set(alternative, this.#alternatives.size)
    const key = `${this.#alternatives.get(alternative)} ${at} ${under?.id ?? -1}`
    const known = this.#ids.get(key) ?? { alternative, at, under, id: this.#ids.size }
    this.#ids.set(key, known)
    return known
  }

  /** Stacks whose top takes a character, or null for the end. */
  #opened(start: Stack | null): Set<Stack | null> {
    const [found, seen] = [new Set<Stack | null>(), new Set([start])]
    for (const stack of seen) {
      const top = stack?.alternative[stack.at]
      if (stack === null || top === undefined || 'takes' in top) found.add(stack)
      else
        for (const alternative of this.#rules[top.rule] ?? [])
          seen.add(this.#stack(alternative, 0, this.#stack(stack.alternative, stack.at + 1, stack.under)))
    }
    return found
  }

  #parse(source: string): Element[][] {
    let at = 0
    const character = (): string => {
      const one = source[at++] ?? ''
      if (one !== '\\') return one
      const escaped = source[at++] ?? ''
      if (escaped !== 'x') return ESCAPES[escaped] ?? escaped
      at += 2
      return String.fromCharCode(Number.parseInt(source.slice(at - 2, at), 16))
    }
    const single = (): Element[] => {
      if (source[at] === '(') {
        at += 1
        const inner = alternatives()
        at += 1
        return [this.#added(inner)]
      }
      const name = /^\w+/.exec(source.slice(at))?.[0]
      if (name !== undefined) {
        at += name.length
        return [{ rule: this.#numberOf(name) }]
      }
      const result: Element[] = []
      const isText = source[at++] === '"'
      if (isText) {
        while (source[at] !== '"') {
          const wanted = character()
          result.push({ takes: (one) => one === wanted, sample: wanted })
        }
      } else {
        const not = source[at] === '^'
        if (not) at += 1
        const ranges: [string, string][] = []
        while (source[at] !== ']') {
          const from = character()
          if (source[at] === '-' && source[at + 1] !== ']') at += 1
          else {
            ranges.push([from, from])
            continue
          }
          ranges.push([from, character()])
        }
        result.push({
          takes: (one) => ranges.some(([from, to]) => from <= one && one <= to) !== not,
          sample: not ? 'x' : (ranges[0]?.[0] ?? ''),
        })
      }
      at += 1
      return result
    }
    const repeated = (): Element[] => {
      const one = single()
      const found = /^(?:([*?])|\{(\d+)(,(\d+)?)?\})/.exec(source.slice(at))
      if (found === null) return one
      at += found[0].length
      const least = Number(found[2] ?? 0)
      const most =
        found[1] === '?'
          ? 1
          : found[1] === '*'
            ? null
            : found[3] === undefined
              ? least
              : found[4] === undefined
                ? null
                : Number(found[4])
      const result = Array.from({ length: least }, () => one).flat()
      if (most === null) {
        const loop = this.#added([]) as { rule: number }
        this.#rules[loop.rule] = [[...one, loop], []]
        return [...result, loop]
      }
      let rest: Element[] = []
      for (let count = least; count < most; count += 1) rest = [this.#added([[...one, ...rest], []])]
      return [...result, ...rest]
    }
    const alternatives = (): Element[][] => {
      const all: Element[][] = [[]]
      for (; at < source.length && source[at] !== ')';) {
        if (source[at] === ' ') at += 1
        else if (source[at] === '|') {
          at += 1
          all.push([])
        } else all.at(-1)?.push(...repeated())
      }
      return all
    }
    return alternatives()
  }
}
