/**
 * `npm run check:gpu`: the suite of test/gpu on the GPU that is there, and a table of what was seen. Without a card that
 * the engine uses by itself, on Mesa's software device (Debian: mesa-vulkan-drivers), with `--software` in any case; the
 * suite is skipped by name where there is neither. `--require`: then it fails.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'

import { forkEngineChild } from '#engine/client/fork-child.ts'
import { createEngines } from '#engine/engines.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'

interface Report {
  success: boolean
  testResults: {
    name: string
    assertionResults: {
      title: string
      ancestorTitles: string[]
      status: string
      duration?: number
      meta?: { seen?: string }
    }[]
  }[]
}

/** Names of the GPUs that an engine process sees by itself. */
async function cards(): Promise<string[]> {
  const engines = createEngines({
    fork: (how) => forkEngineChild(how),
    clock: systemClock,
    log: createLog('check:gpu').child({}, { level: 'silent' }),
  })
  try {
    return (await engines.gpus()).map(({ name }) => name)
  } finally {
    await engines.stop()
  }
}

function table(report: Report): string {
  const rows = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status, duration = 0, meta }) => {
      const seconds = status === 'passed' || status === 'failed' ? (duration / 1_000).toFixed(1) : ''
      return `| ${[...ancestorTitles, title].join(': ')} | ${status} | ${seconds} | ${meta?.seen ?? ''} |`
    }),
  )
  return ['| test | result | s | seen |', '|---|---|---|---|', ...rows].join('\n')
}

const { values } = parseArgs({ options: { software: { type: 'boolean' }, require: { type: 'boolean' } } })
const found = values.software === true ? [] : await cards()
const where = found.length > 0 ? found.join(' + ') : 'the software device'
console.log(`GPU suite on ${where}`)
const started = performance.now()
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
  stdio: 'inherit',
  env: { ...process.env, STOKER_TEST_PART: 'gpu', STOKER_GPU_SUITE: found.length > 0 ? 'card' : 'software' },
})
const report = JSON.parse(readFileSync('test-results/gpu.json', 'utf8')) as Report
const statuses = report.testResults.flatMap(({ assertionResults }) => assertionResults.map((one) => one.status))
const count = (wanted: string): number => statuses.filter((one) => one === wanted).length
const seconds = Math.round((performance.now() - started) / 1_000)
console.log(table(report))
console.log(
  `GPU suite on ${where}, ${process.platform} ${process.arch}, ${cpus()[0]?.model.trim() ?? '?'} × ${cpus().length}: ` +
    `${count('passed')} passed, ${count('failed')} failed, ${statuses.length - count('passed') - count('failed')} skipped in ${seconds} s`,
)
if (count('passed') === 0) console.log('No GPU and no software device here: nothing was shown.')
process.exitCode = status !== 0 || (values.require === true && count('passed') === 0) ? 1 : 0
