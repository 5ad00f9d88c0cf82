/** `stoker demo`: the whole loop once, without a screen. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import type { Command } from 'commander'

import { fail } from '#contract/errors.ts'

import { integer, seed } from '../shared-options.ts'
import { note } from '../output.ts'
import { printResult } from '../demo/demo-report.ts'

const JOBS_MAX = 100_000

interface DemoOptions {
  data?: string
  seed: string
  jobs: number
  json?: boolean
}

async function demo(options: DemoOptions): Promise<void> {
  const { runDemo } = await import('../demo/demo.ts')
  const dir = options.data === undefined ? mkdtempSync(join(tmpdir(), 'stoker-demo-')) : resolve(options.data)
  try {
    const result = await runDemo({ dir, seed: options.seed, jobs: options.jobs, say: note })
    printResult(result, options.json === true)
    if (!result.ledgerOk) throw fail('demo.booksWrong', { dir })
  } finally {
    if (options.data === undefined) rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'the whole loop once on the practice exchange: import the bundled model, exam, list, sell N completions, settle',
    )
    .option('--data <dir>', 'a data folder to keep (default: a temporary one, removed afterwards)')
    .option('--seed <seed>', 'fixes exam and purchases; equal seeds give equal results', seed, 'demo')
    .option('--jobs <n>', 'completions to sell', integer(1, JOBS_MAX), 20)
    .option('--json', 'end with one line {"repro","timing","power","ledgerOk"}')
    .action(demo)
}
