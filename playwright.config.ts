/**
 * Browser tests against the built renderer. The browser: STOKER_CHROMIUM, an installed Chrome or Chromium, or
 * Playwright's own; without any the suite reports itself as skipped.
 */
import { defineConfig } from '@playwright/test'

import { CHROMIUM_FLAGS, findChromium } from './test/e2e/browser.ts'
import { SLOW_SPECS } from './test/slow-tests.ts'

const executablePath = findChromium()
/** Read by the tests: they skip, visibly, when there is no browser. */
process.env['STOKER_BROWSER'] = executablePath ?? ''

/** What `npm test` (fast) and `npm run test:slow` (slow) set; without it every spec runs that is named. */
const part = process.env['STOKER_TEST_PART']
const slowSpecs = SLOW_SPECS.map((name) => `**/${name}`)

export default defineConfig({
  testDir: 'test/e2e',
  ...(part === 'fast' ? { testIgnore: slowSpecs } : part === 'slow' ? { testMatch: slowSpecs } : {}),
  outputDir: 'test-results/playwright',
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 180_000,
  // Guards against hanging only; the default of five seconds fails on a busy machine.
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: `test-results/${part === 'slow' ? 'e2e-slow' : 'e2e'}.json` }]],
  use: {
    browserName: 'chromium',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [...CHROMIUM_FLAGS],
    },
    // What the screens show of numbers and dates follows it.
    locale: 'en-GB',
    viewport: { width: 1440, height: 900 },
    // Nothing moves where reduced motion is asked for, so no picture and no contrast is taken half way through a fade.
    contextOptions: { reducedMotion: 'reduce' },
  },
})
