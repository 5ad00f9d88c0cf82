/**
 * Compiles all mutants of a file into it at once, each behind a switch, so that one warm process can run them all and
 * no file is written.
 */
import { basename } from 'node:path'

import { MagicString } from 'magic-string'

import { findMutants, type Site } from './find.ts'

export interface Instrumented {
  code: string
  map: ReturnType<MagicString['generateMap']>
}

const opening = ({ statement, changes }: Site): string => {
  if (!statement) return `(${changes.map(({ n, becomes }) => `__mutant(${n}) ? (${becomes}) : `).join('')}(`
  // In braces: no line can begin with a parenthesis that the line above would take for a call.
  return `{ ${changes.map(({ n }) => `if (!__mutant(${n})) `).join('')}`
}

/** `__mutant(n)` in the code is true while mutant n of the file is the active one; vitest-setup.ts defines it. */
export function instrument(file: string, source: string): Instrumented {
  const { sites } = findMutants(file, source)
  const text = new MagicString(source)
  text.prepend(`const __mutant = globalThis.__mutantSwitch(${JSON.stringify(file)});`)
  // Outer sites come first: their openings stand before those of inner sites at the same place, their closings after.
  for (const site of sites) text.appendRight(site.start, opening(site))
  for (const site of sites.toReversed()) text.appendLeft(site.end, site.statement ? ' }' : '))')
  return { code: text.toString(), map: text.generateMap({ hires: true, source: basename(file) }) }
}
