/**
 * Adds up the result files of `npm test`, `npm run test:slow` and `npm run check:gpu` (vitest's and Playwright's JSON reports) and of `npm run test:fresh`, and
 * prints the closing line `N passed, N failed, N skipped`. Usage: ci-summary.ts TEST_EXIT_STATUS SECONDS. Under CI a
 * skipped browser test is a failure; the Electron suite may be skipped where its binary cannot be had.
 */
import { existsSync, readFileSync } from 'node:fs'

interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
}
interface PlaywrightReport {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number }
}

const [status = '1', seconds = '?'] = process.argv.slice(2)
const read = <T>(path: string): T | null => (existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : null)
let [passed, failed, skipped] = [0, 0, 0]

for (const part of ['vitest', 'slow', 'gpu']) {
  const unit = read<VitestReport>(`test-results/${part}.json`)
  if (unit === null) {
    console.log(`ci: ${part} left no results, which is a failure here`)
    failed += 1
    continue
  }
  passed += unit.numPassedTests
  failed += unit.numFailedTests
  skipped += unit.numPendingTests + unit.numTodoTests
}
for (const part of ['e2e', 'e2e-slow']) {
  const browser = read<PlaywrightReport>(`test-results/${part}.json`)
  if (browser === null || browser.stats.expected === 0) {
    console.log(`ci: the browser suite ${part} did not run, which is a failure here`)
    failed += 1
    continue
  }
  passed += browser.stats.expected + browser.stats.flaky
  failed += browser.stats.unexpected
  if (browser.stats.skipped > 0) {
    console.log(`ci: ${browser.stats.skipped} browser tests were skipped, which is a failure here`)
    failed += browser.stats.skipped
  }
}
const desktop = read<PlaywrightReport>('test-results/desktop.json')
if (desktop !== null) {
  passed += desktop.stats.expected
  failed += desktop.stats.unexpected
  skipped += desktop.stats.skipped
}
const fresh = read<{ passed: number; failed: number }>('test-results/fresh.json')
if (fresh === null) {
  console.log('ci: the install on a fresh machine was not tried, which is a failure here')
  failed += 1
} else {
  passed += fresh.passed
  failed += fresh.failed
}
if (Number(status) !== 0 && failed === 0) failed += 1
console.log(`ci: ${seconds} s in all`)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
