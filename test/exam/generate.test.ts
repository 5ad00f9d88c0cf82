import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { examItem, FAMILIES } from '#exam/generate-items.ts'

describe('exam items', () => {
  it('reproduces all 400 vectors to the byte (catches any change of draw order, wording or JSON spacing)', () => {
    const fixture = readFileSync(new URL('../fixtures/exam/vectors.jsonl', import.meta.url), 'utf8')
    const lines = ([1, 2] as const).flatMap((level) =>
      FAMILIES.flatMap((family) =>
        Array.from({ length: 25 }, (_, index) => JSON.stringify(examItem('vector-1', family, level, index))),
      ),
    )
    expect(lines).toHaveLength(400)
    const order = new Map(lines.map((line, at) => [(JSON.parse(line) as { id: string }).id, at]))
    const stored = fixture
      .trimEnd()
      .split('\n')
      .sort(
        (a, b) => order.get((JSON.parse(a) as { id: string }).id)! - order.get((JSON.parse(b) as { id: string }).id)!,
      )
    expect(lines.join('\n')).toBe(stored.join('\n'))
  })

  it('gives another seed other items (catches a seed that is ignored)', () => {
    const of = (seed: string) => Array.from({ length: 20 }, (_, index) => examItem(seed, 'recall', 1, index).prompt)
    expect(of('a')).not.toEqual(of('b'))
  })

  it.each(['', 'a b', 'x'.repeat(65), 'a|b', 'ä'])(
    'refuses the seed %j (catches a seed that would collide with the separator)',
    (seed) => {
      expect(() => examItem(seed, 'arith', 1, 0)).toThrow(RangeError)
    },
  )

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the index %s', (index) => {
    expect(() => examItem('s', 'arith', 1, index)).toThrow(RangeError)
  })
})
