import { describe, expect, it } from 'vitest'

import { findMutants } from '../../tools/mutants/find.ts'

const changes = (source: string): string[] =>
  findMutants('a.ts', source).mutants.map(({ code, becomes }) => `${code} → ${becomes}`)

describe('what is mutated', () => {
  it.each<[what: string, source: string, expected: string[]]>([
    ['a bound is moved and turned round', 'f(a < b)', ['f(a < b) → ', 'a < b → a <= b', 'a < b → a >= b']],
    ['an equality is turned round', 'const x = a === b', ['a === b → a !== b']],
    ['a condition is negated and decided', 'const x = a ? 1 : 2', ['a → !(a)', 'a → true', 'a → false']],
    ['a loop is never made endless by its condition', 'while (a) f()', ['a → !(a)', 'a → false', 'f() → ']],
    [
      'sides of && and || are negated, and the two swapped',
      'const x = a && !b',
      ['a && !b → a || !b', 'a → !(a)', '!b → b'],
    ],
    [
      'mixed sides keep their grouping',
      'const x = a || b || c',
      ['a || b || c → (a || b) && c', 'a || b → a && b', 'a → !(a)', 'b → !(b)', 'c → !(c)'],
    ],
    ['arithmetic is reversed', 'x += a * -b', ['x += a * -b → x -= a * -b', 'a * -b → a / -b', '-b → b']],
    ['the smaller becomes the larger', 'const x = Math.min(a, b)', ['Math.min(a, b) → Math.max(a, b)']],
    ['a call is left out', 'await a?.b()', ['await a?.b() → ']],
    ['a jump is left out', 'for (;;) { f(); break }', ['f(); → ', 'break → ']],
  ])('%s', (_, source, expected) => {
    expect(changes(source)).toEqual(expected)
  })

  it.each<[what: string, source: string]>([
    ['types', 'type A<T> = T extends string ? 1 : 2; interface B { c: A<-1> }; const x = y as unknown as -1'],
    ['constants', 'const LIMIT = -1; const NAME = "a" + b'],
    [
      'lines of the log',
      'log.warn({ left: a - b }, "x"); context.log.info(a < b); this.#log?.debug("c"); console.log(a && b)',
    ],
  ])('%s have no mutants', (_, source) => {
    expect(changes(source)).toEqual([])
  })

  it('the text of an error has none; the throw itself has', () => {
    expect(changes('const x = () => { throw new Error(`${a - b}`) }')).toEqual(['throw new Error(`${a - b}`) → '])
  })

  it('does not leave out what the condition forced to false leaves out already', () => {
    expect(changes('for (;;) if (a) { continue }')).toEqual(['a → !(a)', 'a → true', 'a → false'])
    expect(changes('if (a) f()\nelse g()')).toEqual(['a → !(a)', 'a → true', 'a → false', 'f() → ', 'g() → '])
  })

  it('knows a mutant by its text, its function and its turn, wherever it moves', () => {
    const source = 'const f = (): void => { g(a + b); g(a + b) }\nclass A { get h() { return a + b } }'
    const known = (text: string): unknown[] =>
      findMutants('a.ts', text).mutants.map(({ within, code, nth }) => [within, code, nth])
    expect(known(source)).toEqual([
      ['f', 'g(a + b);', 1],
      ['f', 'a + b', 1],
      ['f', 'g(a + b)', 1],
      ['f', 'a + b', 2],
      ['h', 'a + b', 1],
    ])
    expect(known(`\n// moved\n${source.replace('a + b', 'a  +\n  b')}`)).toEqual(known(source))
    expect(findMutants('a.ts', `\n\n${source}`).mutants.map(({ line }) => line)).toEqual([3, 3, 3, 3, 4])
  })

  it('refuses a file that does not parse', () => {
    expect(() => findMutants('a.ts', 'const = 1')).toThrow('a.ts does not parse')
  })
})
