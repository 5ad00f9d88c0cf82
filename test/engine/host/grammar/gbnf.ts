/**
 * A reader of GBNF for tests: says whether a whole text follows a grammar. Slow and simple: sets of positions, no state
 * machine.
 */

/** Positions where a match that starts at `at` may end. */
type Matcher = (text: string, at: number) => Set<number>

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

class Reader {
  readonly #source: string
  readonly #rules: ReadonlyMap<string, () => Matcher>
  #at = 0

  constructor(source: string, rules: ReadonlyMap<string, () => Matcher>) {
    this.#source = source
    this.#rules = rules
  }

  alternatives(): Matcher {
    const all = [this.#sequence()]
    while (this.#take('|')) all.push(this.#sequence())
    return (text, at) => new Set(all.flatMap((one) => [...one(text, at)]))
  }

  #skip(): void {
    while (this.#source[this.#at] === ' ') this.#at += 1
  }

  #take(token: string): boolean {
    this.#skip()
    if (!this.#source.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #sequence(): Matcher {
    const parts: Matcher[] = []
    for (this.#skip(); this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? ''); this.#skip())
      parts.push(this.#repeated())
    return (text, at) =>
      parts.reduce((ends, part) => new Set([...ends].flatMap((end) => [...part(text, end)])), new Set([at]))
  }

  #repeated(): Matcher {
    const one = this.#single()
    const [least, most] = this.#counts()
    return (text, at) => {
      let ends = new Set([at])
      const all = new Set(least === 0 ? [at] : [])
      for (let count = 1; count <= most && ends.size > 0; count += 1) {
        ends = new Set([...ends].flatMap((end) => [...one(text, end)]).filter((end) => !all.has(end)))
        if (count >= least) for (const end of ends) all.add(end)
      }
      return all
    }
  }

  #counts(): [number, number] {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#take('?')) return [0, 1]
    const braces = /^\{(\d+)(,(\d+)?)?\}/.exec(this.#source.slice(this.#at))
    if (braces === null) return [1, 1]
    this.#at += braces[0].length
    const least = Number(braces[1])
    return [least, braces[2] === undefined ? least : Number(braces[3] ?? Number.POSITIVE_INFINITY)]
  }

  #character(): string {
    const character = this.#source[this.#at++] ?? ''
    if (character !== '\\') return character
    const next = this.#source[this.#at++] ?? ''
    if (next !== 'x') return ESCAPES[next] ?? next
    this.#at += 2
    return String.fromCharCode(Number.parseInt(this.#source.slice(this.#at - 2, this.#at), 16))
  }

  #single(): Matcher {
    if (this.#take('(')) {
      const inner = this.alternatives()
      this.#take(')')
      return inner
    }
    if (this.#take('"')) {
      let wanted = ''
      while (this.#source[this.#at] !== '"') wanted += this.#character()
      this.#at += 1
      return (text, at) => new Set(text.startsWith(wanted, at) ? [at + wanted.length] : [])
    }
    if (this.#take('[')) return this.#characters()
    const name = /^[\w-]+/.exec(this.#source.slice(this.#at))?.[0] ?? ''
    const rule = this.#rules.get(name)
    if (rule === undefined) throw new Error(`no rule ${name} at ${this.#source.slice(this.#at, this.#at + 20)}`)
    this.#at += name.length
    return (text, at) => rule()(text, at)
  }

  #characters(): Matcher {
    const not = this.#source[this.#at] === '^'
    if (not) this.#at += 1
    const ranges: [string, string][] = []
    while (this.#source[this.#at] !== ']') {
      const from = this.#character()
      let to = from
      if (this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at += 1
        to = this.#character()
      }
      ranges.push([from, to])
    }
    this.#at += 1
    return (text, at) => {
      const character = text[at]
      return new Set(
        character !== undefined && ranges.some(([from, to]) => from <= character && character <= to) !== not
          ? [at + 1]
          : [],
      )
    }
  }
}

/** Compiles a grammar with one rule a line. */
export function follows(gbnf: string): (text: string) => boolean {
  const matchers = new Map<string, Matcher>()
  const rules = new Map<string, () => Matcher>()
  const bodies = gbnf.split('\n').map((line) => line.split(/ ::= (.*)/s) as [string, string])
  for (const [name] of bodies) rules.set(name, () => matchers.get(name) ?? (() => new Set()))
  for (const [name, body] of bodies) matchers.set(name, new Reader(body, rules).alternatives())
  return (text) => matchers.get('root')?.(text, 0).has(text.length) === true
}
