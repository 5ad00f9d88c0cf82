import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { ROWS, scopeOf } from '../../tools/mutants/areas.ts'

const ROOT = resolve(import.meta.dirname, '../..')

describe('the table of what is mutated', () => {
  it('fits the tree: every pattern matches files', () => {
    expect([...new Set([...scopeOf(ROOT, ROWS, null).files.values()].map(({ area }) => area))]).toEqual([
      'books',
      'settlement',
      'exam',
      'scheduler',
      'admission',
    ])
  })

  it.each([
    [
      'a pattern that matches no file',
      { area: 'x', files: ['src-main/gone/*.ts'], tests: ['test/books/*.test.ts'] },
      'src-main/gone/*.ts matches no file',
    ],
    [
      'a pattern of tests that matches no file',
      { area: 'x', files: ['src-main/lib/*.ts'], tests: ['test/gone.test.ts'] },
      'test/gone.test.ts matches no file',
    ],
    [
      'a file in two rows',
      { area: 'x', files: ['src-main/books/books.ts'], tests: ['test/books/*.test.ts'] },
      'src-main/books/books.ts is in two rows',
    ],
  ])('refuses %s, whichever area is asked for', (_, row, message) => {
    expect(() => scopeOf(ROOT, [...ROWS, row], 'books')).toThrow(message)
  })

  it('refuses an area that it does not know', () => {
    expect(() => scopeOf(ROOT, ROWS, 'bokks')).toThrow(
      'there is no area bokks; there are: books, settlement, exam, scheduler, admission',
    )
  })
})
