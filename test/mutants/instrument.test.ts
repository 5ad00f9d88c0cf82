import { stripTypeScriptTypes } from 'node:module'
import { runInNewContext } from 'node:vm'

import { describe, expect, it } from 'vitest'

import { findMutants } from '../../tools/mutants/find.ts'
import { instrument } from '../../tools/mutants/instrument.ts'

/** No semicolons, nested conditions, an else that could hang on the wrong if: what a careless rewriting breaks. */
const SOURCE = `
const seen: number[] = []
const note = (n: number): void => void seen.push(n)
export const run = (a: number, b: number): string => {
  const bigger = a > b && (a !== 3 || b < 0)
  note(a)
  ;[1].forEach((n) => note(n + b))
  if (bigger)
    if (a > 5) note(50)
    else note(51)
  else note(52)
  for (let at = 0; at < b; at++) {
    if (at === 1) continue
    note(at * 2)
    if (at > 2) { note(99); break }
  }
  return seen.splice(0).join()
}
`
const CALLS = [
  [1, 2],
  [3, 1],
  [3, -1],
  [6, 4],
  [7, 2],
] as const

/** What the code does while mutant `active` is switched on. */
function behaviour(code: string, active: number): string {
  const script = stripTypeScriptTypes(code).replace('export const run =', 'const run =')
  const run = runInNewContext(`${script}\nrun`, { __mutantSwitch: () => (n: number) => n === active }) as (
    a: number,
    b: number,
  ) => string
  return CALLS.map(([a, b]) => run(a, b)).join(' | ')
}

describe('all mutants of a file in one text', () => {
  const { mutants, sites } = findMutants('a.ts', SOURCE)
  const { code } = instrument('a.ts', SOURCE)

  it('does what the file does while none is active', () => {
    expect(behaviour(code, -1)).toBe(behaviour(SOURCE, -1))
  })

  it('does what the file with that one change does while a mutant is active', () => {
    const endless = (becomes: string): boolean => becomes === 'at--'
    const changed = sites.flatMap(({ start, end, changes }) =>
      changes.map(({ n, becomes }) => ({
        n,
        becomes,
        text: SOURCE.slice(0, start) + (becomes === '' ? '{}' : `(${becomes})`) + SOURCE.slice(end),
      })),
    )
    expect(changed.length).toBe(mutants.length)
    expect(changed.length).toBeGreaterThan(30)
    for (const { n, becomes, text } of changed)
      if (!endless(becomes)) expect({ n, does: behaviour(code, n) }).toEqual({ n, does: behaviour(text, -1) })
  })
})
