/**
 * `npm test`: builds, then runs the unit, browser and desktop suites one after the other; all run even when one fails,
 * and any failure fails the command. With `--slow` (`npm run test:slow`) the build and the
 * files of test/slow-tests.ts instead.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'

const isSlow = process.argv.includes('--slow')
const UNIT = ['node_modules/vitest/vitest.mjs', 'run']
const BUILD: [string, string[]] = [
  'build',
  ['node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn'],
]
const FAST: [string, string[]][] = [
  BUILD,
  ['unit and integration', UNIT],
  ['browser', ['node_modules/@playwright/test/cli.js', 'test']],
  ['desktop', ['node_modules/@playwright/test/cli.js', 'test', '-c', 'playwright.desktop.config.ts']],
]
const SLOW: [string, string[]][] = [
  BUILD,
  ['slow', UNIT],
  ['browser, slow', ['node_modules/@playwright/test/cli.js', 'test']],
]

process.env['STOKER_TEST_PART'] = isSlow ? 'slow' : 'fast'
if (!isSlow) rmSync('test-results', { recursive: true, force: true })
const failed: string[] = []
for (const [name, args] of isSlow ? SLOW : FAST) {
  const started = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  console.log(`${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${Math.round((performance.now() - started) / 1000)} s`)
  if (status !== 0) {
    failed.push(name)
    if (name === 'build') break
  }
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
