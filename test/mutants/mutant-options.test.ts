import { describe, expect, it } from 'vitest'

import { findMutants } from '../../tools/mutants/find.ts'
import { drawn, parseOptions } from '../../tools/mutants/mutant-options.ts'

describe('options', () => {
  it('are everything, on at most four cores, by default', () => {
    expect(parseOptions([], 2)).toEqual({
      area: null,
      file: '',
      sample: null,
      seed: '1',
      again: false,
      lanes: 2,
      list: false,
    })
    expect(parseOptions([], 64).lanes).toBe(4)
    expect(
      parseOptions(
        ['--area', 'books', '--file', 'check', '--sample', '7', '--seed', 'x', '--again', '--lanes', '1', '--list'],
        2,
      ),
    ).toEqual({
      area: 'books',
      file: 'check',
      sample: 7,
      seed: 'x',
      again: true,
      lanes: 1,
      list: true,
    })
  })

  it.each([
    [['--sample', '0'], '--sample needs a whole number from 1, not 0'],
    [['--lanes', 'many'], '--lanes needs a whole number from 1, not many'],
    [['--areas', 'books'], "Unknown option '--areas'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args, 2)).toThrow(message)
  })
})

describe('a sample', () => {
  const { mutants } = findMutants('a.ts', Array.from({ length: 40 }, (_, at) => `f(a${at} < ${at})`).join('\n'))

  it('is the same for the same seed, another for another, and stands in the order of the list', () => {
    const sample = drawn(mutants, 10, 'a')
    expect(sample).toHaveLength(10)
    expect(drawn(mutants, 10, 'a')).toEqual(sample)
    expect(drawn(mutants, 10, 'b')).not.toEqual(sample)
    expect(sample.map(({ n }) => n)).toEqual(sample.map(({ n }) => n).toSorted((a, b) => a - b))
  })

  it('is everything where there is no more', () => {
    expect(drawn(mutants, 1_000, 'a')).toEqual(mutants)
  })
})
