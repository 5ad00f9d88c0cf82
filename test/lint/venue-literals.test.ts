/**
 * What is particular to one venue stands in configuration. Catches: code that asks for a realm, a unit, a database file,
 * an instrument's prefix or a key's prefix by its name, which would be wrong at the next venue.
 */
import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { globSync } from 'node:fs'

import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

/** Where such names belong: configuration, the words for them, and migrations, which are frozen. */
const ALLOWED: readonly RegExp[] = [
  /^src-main\/contract\/(units|embedded-venue|power-currencies)\.ts$/,
  /^src-main\/words\//,
  /^src-main\/books\/(books|units)-migration\.ts$/,
  /\/migrations\/[^/]+\.ts$/,
]
/** Lines that hold such a word for another reason, each with it. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "src-main/exchange-server/store/buyers.store.ts: 'practice'": 'the name of a column that is released',
  "src-main/exchange-server/exchange-entry.ts: 'no-practice-buyer'": 'an option of the command line',
  "src-main/server/runtime.ts: '--no-practice-buyer'": 'the same option, handed on',
  "src-main/cli/commands/serve.command.ts: '--no-practice-buyer'": 'the same option',
  "src-main/cli/commands/exchange.command.ts: '--no-practice-buyer'": 'the same option',
  "src-main/exchange-server/admin/admin-api.ts: '/practice-buyer'": 'a route of the admin API',
}

/** A code of its own, or the realm's word as a value or at the start of one. Prose may speak of practice. */
const NAMED = /\b(?:PCR|SIM|USD)\b|^(?:sk-|--no-|no-|\/)?practice(?:$|[-/.])/

interface Node {
  type?: string
  value?: unknown
  raw?: string
}

/** Every text literal and piece of a template, imports left out: their paths name files. */
function literalsIn(code: string, path: string): { raw: string; text: string }[] {
  const found: { raw: string; text: string }[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (node === null || typeof node !== 'object') return
    const { type, value, raw } = node as Node
    if (type === 'ImportDeclaration' || type === 'ExportNamedDeclaration' || type === 'ExportAllDeclaration') {
      if ('declaration' in node) visit(node.declaration)
      return
    }
    if (type === 'ImportExpression' || type === 'TSImportType') return
    if (type === 'Literal' && typeof value === 'string') found.push({ raw: raw ?? value, text: value })
    if (type === 'Literal' && value instanceof RegExp)
      found.push({ raw: raw ?? '', text: value.source.replace(/^\^/, '').replaceAll('\\', '') })
    if (type === 'TemplateElement') {
      const { cooked } = value as { cooked: string }
      found.push({ raw: `\`${cooked}\``, text: cooked })
    }
    if (type === 'JSXText') found.push({ raw: raw ?? '', text: (value as string).trim() })
    if (type === 'Property' && 'key' in node) {
      const { name } = node.key as { name?: string }
      if (name !== undefined && /^(?:PCR|SIM|USD)$/.test(name)) found.push({ raw: name, text: name })
    }
    for (const child of Object.values(node)) visit(child)
  }
  visit(parseSync(path, code).program)
  return found
}

const namedIn = (code: string, path: string): string[] =>
  literalsIn(code, path)
    .filter(({ text }) => NAMED.test(text))
    .map(({ raw }) => `${path}: ${raw}`)

const sources = globSync(['src-main/**/*.ts', 'src-renderer/**/*.{ts,tsx}'], { cwd: ROOT })
  .map((path) => relative(ROOT, join(ROOT, path)).replaceAll('\\', '/'))
  .filter((path) => ALLOWED.every((one) => !one.test(path)))

describe('names of one venue', () => {
  it('stand in configuration alone', () => {
    expect(sources.length).toBeGreaterThan(400)
    const found = sources.flatMap((path) => namedIn(readFileSync(join(ROOT, path), 'utf8'), path))
    expect(found.filter((one) => EXCEPTIONS[one] === undefined)).toEqual([])
    // An exception that is no longer needed goes.
    expect(Object.keys(EXCEPTIONS).filter((one) => !found.includes(one))).toEqual([])
  })

  it.each([
    ["if (realm === 'practice') go()", "'practice'"],
    ["const key = 'sk-practice-1'", "'sk-practice-1'"],
    ['open(`practice.db`)', '`practice.db`'],
    ["name.replace(/^practice\\//, '')", '/^practice\\//'],
    ["const unit = { code: 'PCR' }", "'PCR'"],
    ['const price = { USD: 1 }', 'USD'],
    ['sql("CHECK (currency IN (\'USD\'))")', '"CHECK (currency IN (\'USD\'))"'],
  ])('are seen in %s', (code, raw) => expect(namedIn(code, 'a.ts')).toEqual([`a.ts: ${raw}`]))

  it.each([
    "say('the practice buyer usually comes within seconds')",
    "import x from './practice-buyer.ts'",
    '// practice',
    'const usd = 1',
  ])('are not seen in %s', (code) => expect(namedIn(code, 'a.ts')).toEqual([]))
})
