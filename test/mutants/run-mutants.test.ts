import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { tempDir } from '#test/support/temp-dir.ts'

import { scopeOf } from '../../tools/mutants/areas.ts'
import { mutantsOf, runMutants } from '../../tools/mutants/run-mutants.ts'

const SOURCE = `export const isAdult = (age: number): boolean => age >= 18
export function countTo(end: number): number {
  let at = 0
  while (at < end) at += 1
  return at
}
export const never = (a: number): number => -a
`
/** Nobody asks about 18, and nobody calls \`never\`. */
const TEST = `import { expect, it } from 'vitest'
import { countTo, isAdult } from '../src/sample.ts'
it('knows adults', () => expect([isAdult(10), isAdult(30)]).toEqual([false, true]))
it('counts', () => expect(countTo(3)).toBe(3))
`

function fixture(test = TEST): string {
  const root = tempDir()
  mkdirSync(join(root, 'src'))
  mkdirSync(join(root, 'test'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(root, 'src/sample.ts'), SOURCE)
  writeFileSync(join(root, 'test/sample.test.ts'), test)
  symlinkSync(resolve(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'))
  return root
}
const files = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && !one.parentPath.includes('node_modules'))
    .map((one) => join(one.parentPath, one.name))
    .toSorted()
const ROWS = [{ area: 'sample', files: ['src/*.ts'], tests: ['test/*.test.ts'] }]

// It starts vitest three times, and waits for an endless loop twice.
describe('the mutation runner', { timeout: 240_000 }, () => {
  it('tells killed, endless, surviving and unreached mutants apart, and writes nothing into the tree', async () => {
    const root = fixture()
    const before = files(root).map((path) => [path, readFileSync(path, 'utf8')])
    const scope = scopeOf(root, ROWS, null)
    const verdicts = await runMutants({
      root,
      scope,
      mutants: mutantsOf(root, scope),
      lanes: 1,
      say: () => undefined,
      limitExtraMs: 500,
    })
    expect(verdicts.map(({ line, becomes, fate, by }) => [line, becomes, fate, by])).toEqual([
      [1, 'age > 18', 'survived', ''],
      [1, 'age < 18', 'killed', 'test/sample.test.ts › knows adults'],
      [4, 'at <= end', 'killed', 'test/sample.test.ts › counts'],
      [4, 'at >= end', 'killed', 'test/sample.test.ts › counts'],
      [4, 'false', 'killed', 'test/sample.test.ts › counts'],
      [4, 'at -= 1', 'timed out', 'test/sample.test.ts'],
      [7, 'a', 'not reached', ''],
    ])
    expect(files(root).map((path) => [path, readFileSync(path, 'utf8')])).toEqual(before)
  })

  it('takes nothing from an earlier run that left the file alone', async () => {
    const root = fixture()
    writeFileSync(join(root, 'src/other.ts'), 'export const two = 1 + 1\n')
    const run = async (file: string, line: number): Promise<string[]> => {
      const scope = scopeOf(root, [{ area: 'sample', files: [file], tests: ['test/*.test.ts'] }], null)
      const mutants = mutantsOf(root, scope).filter((mutant) => mutant.line === line)
      return (await runMutants({ root, scope, mutants, lanes: 1, say: () => undefined })).map(({ fate }) => fate)
    }
    expect(await run('src/other.ts', 1)).toEqual(['not reached'])
    expect(await run('src/sample.ts', 1)).toEqual(['survived', 'killed'])
  })

  it('refuses to judge by a test that fails without any mutant', async () => {
    const root = fixture(TEST.replace('toBe(3)', 'toBe(4)'))
    const scope = scopeOf(root, ROWS, null)
    await expect(
      runMutants({ root, scope, mutants: mutantsOf(root, scope), lanes: 1, say: () => undefined }),
    ).rejects.toThrow('test/sample.test.ts fails without any mutant: counts')
  })
})
