/**
 * `npm run test:fresh`: does the README's first command work on a machine that has npm, git and nothing else? Clones
 * HEAD, installs it twice with a given Node and npm and an empty cache, looks whether the checkout stayed clean, starts
 * it without a network and sells by `stoker demo`. Results go to test-results/fresh.json.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { endCells, runCell, type FreshResult } from './cell.ts'
import { chooseCells, nameOf, USAGE } from './options.ts'
import { createTools } from './tools.ts'

const ROOT = resolve(import.meta.dirname, '../..')

function table(results: readonly FreshResult[]): string {
  const rows = results.map(
    ({ cell, firstSeconds, secondSeconds, startSeconds, megabytes, engineWarnings, problem }) => {
      const figures = [firstSeconds, secondSeconds, startSeconds, megabytes, engineWarnings].map(
        (value) => value ?? '–',
      )
      return `| ${[nameOf(cell), ...figures, problem === null ? 'works' : problem.split('\n')[0]].join(' | ')} |`
    },
  )
  return [
    '| cell | install s | again s | start s | MB | EBADENGINE | verdict |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

async function main(): Promise<number> {
  const cells = chooseCells(process.argv.slice(2))
  if (typeof cells === 'string') {
    console.error(`${cells}\n${USAGE}`)
    return 2
  }
  if (execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' }) !== '')
    console.log('What is not committed is not tried: the clones are of HEAD.')
  const work = mkdtempSync(join(process.env['STOKER_FRESH_DIR'] ?? tmpdir(), 'stoker-fresh-'))
  // An ordinary user has to get to its own folder below.
  chmodSync(work, 0o755)
  const results: FreshResult[] = []
  let stopped = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopped = true
      endCells()
    })
  try {
    const tools = createTools(join(work, 'tools'))
    for (const cell of cells) {
      if (stopped) break
      console.log(`${nameOf(cell)} …`)
      const result = await runCell({ cell, tools, root: ROOT, work: join(work, 'cell') })
      results.push(result)
      if (result.problem !== null) console.log(result.problem)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  console.log(table(results))
  mkdirSync(join(ROOT, 'test-results'), { recursive: true })
  const failed = results.filter(({ problem }) => problem !== null).length
  writeFileSync(
    join(ROOT, 'test-results/fresh.json'),
    `${JSON.stringify({ passed: results.length - failed, failed, results }, null, 2)}\n`,
  )
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
