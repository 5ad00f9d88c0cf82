/** What the built page weighs and whether it brought every style it uses: over out/renderer, which `npm test` builds first. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const BUILT = join(ROOT, 'out/renderer')
/** Bytes of Home over the wire. The heads of a dozen answers, 700 bytes each, come on top of the files. */
const HOME_BYTES_MAX = 300_000
const HEAD_BYTES = 700

const text = (path: string): string => readFileSync(path, 'utf8')
const assets = (): string[] => readdirSync(join(BUILT, 'assets'))
const named = (pattern: RegExp): string => assets().find((name) => pattern.test(name)) ?? 'none'

/** A file with everything it imports at once, not what it only imports when asked. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const [, next] of text(join(BUILT, 'assets', name)).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
    withImports(next!, seen)
  return seen
}

describe.skipIf(!existsSync(join(BUILT, 'index.html')))('the built page', () => {
  it('brings Home in 300 kB', () => {
    const files = [...withImports(named(/^index-.*\.js$/)), ...withImports(named(/^home-page-.*\.js$/))]
    const sent = [
      ...[...new Set(files)].map((name) => `${name}.br`),
      `${named(/^index-.*\.css$/)}.br`,
      named(/^inter-latin-wght-normal-.*\.woff2$/),
    ].map((name) => statSync(join(BUILT, 'assets', name)).size + HEAD_BYTES)
    expect(files.length).toBeGreaterThan(2)
    expect(sent.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(HOME_BYTES_MAX)
    // The chart library is not among them.
    expect(files.some((name) => text(join(BUILT, 'assets', name)).includes('recharts'))).toBe(false)
  })

  it('has the styles of every part of the component library that it uses', () => {
    const classes = (of: string): Set<string> => new Set([...of.matchAll(/\bm_[0-9a-f]{6,8}\b/g)].map(([name]) => name))
    const used = classes(
      assets()
        .filter((name) => name.endsWith('.js'))
        .map((name) => text(join(BUILT, 'assets', name)))
        .join('\n'),
    )
    const all = classes(text(join(ROOT, 'node_modules/@mantine/core/styles.css')))
    const brought = classes(text(join(BUILT, 'assets', named(/^index-.*\.css$/))))
    expect([...used].filter((name) => all.has(name) && !brought.has(name))).toEqual([])
    expect(used.size).toBeGreaterThan(20)
  })
})
